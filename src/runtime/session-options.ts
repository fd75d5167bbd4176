import type { InferenceSession } from 'onnxruntime-node';
import type { Requests } from './protocol.ts';

/** How sessions are made; measurements in docs/decisions/runtime.md. */
export function sessionOptions({ threads, spin }: Requests['start'], { optimize, pack, root }: Requests['compile']): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
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
        x64quantprecision: '1', // where an x64 processor has no VNNI, the kernels of u8·s8 would lose sums beyond 16 bits: slower ones are taken there
        ...(pack ? {} : { disable_prepacking: '1' }),
        intra_op: { allow_spinning: spin ? '1' : '0' },
      },
    },
  };
}
