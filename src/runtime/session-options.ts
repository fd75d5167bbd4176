import { parse } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { Requests } from './protocol.ts';

/** How sessions are made; measurements in docs/decisions. */
export function sessionOptions({ threads, spin }: Requests['start'], optimize: 'all' | 'none'): InferenceSession.SessionOptions {
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
        // Weights are named by real paths relative to the root of the file system (of the drive).
        model_external_initializers_file_folder_path: parse(process.cwd()).root,
        set_denormal_as_zero: '1',
        intra_op: { allow_spinning: spin ? '1' : '0' },
      },
    },
  };
}
