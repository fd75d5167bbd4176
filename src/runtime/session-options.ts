import type { InferenceSession } from 'onnxruntime-node';
import type { Requests } from './protocol.ts';

/** How sessions are made; measurements in docs/decisions/runtime.md. */
export function sessionOptions({ threads, spin, device }: Requests['start'], { optimize, pack, slowWhole, root }: Requests['compile']): InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    executionMode: 'sequential',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: optimize === 'all' ? 'all' : 'disabled',
    enableCpuMemArena: true,
    enableMemPattern: false, // a pattern is stored per set of sizes, and every prompt has its own sizes
    logSeverityLevel: 4,
    extra: {
      session: {
        model_external_initializers_file_folder_path: root,
        set_denormal_as_zero: '1', // moments of unused weights decay into denormals, which some processors take a hundred times longer for
        ...(slowWhole ? { x64quantprecision: '1' } : {}),
        ...(pack ? {} : { disable_prepacking: '1' }),
        intra_op: { allow_spinning: spin ? '1' : '0' },
      },
    },
  };
}
