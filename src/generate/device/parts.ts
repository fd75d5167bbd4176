import { graph, type Graph } from '../../graph/index.ts';
import type { CompileOptions, Device, Program, Runtime } from '../../runtime/index.ts';

/** What runs a part of a graph that has several: one program, or one for each. */
export type Parts = Pick<Program, 'inputs' | 'run'>;

/** How visionParts() is to be made for a device. Whole clips pass the cuts between parts where these are one session. Attention over whole frames is one kernel, but for WebGPU: onnxruntime's has a path there for 32
 * patches and more that gives wrong numbers on some drivers (docs/devices.md), so it is written out. */
export const visionForms = (device: Device): { fused: boolean; whole: boolean } => ({ fused: device !== 'webgpu', whole: device === 'cpu' });

/** The program of a graph whose parts stand side by side, of which a run computes one. The processor has one session for all, and is fed tensors of size 0 for the others; a device has one for
 * each output, which takes the feeds it needs, as WebGPU does not compute over nothing. Parts share no weights, so that each is held once here too. @throws as compile() does */
export async function compileParts(runtime: Pick<Runtime, 'device' | 'compile'>, whole: Graph, options: CompileOptions = {}): Promise<Parts> {
  if (runtime.device === 'cpu') return runtime.compile(whole, options);
  const programs = new Map<string, Program>();
  for (const [name, value] of Object.entries(whole.outputs)) programs.set(name, await runtime.compile(graph({ [name]: value }), options));
  const inputs = new Map([...programs.values()].flatMap((program) => program.inputs.map((port) => [port.name, port])));
  return {
    inputs: [...inputs.values()],
    async run(feeds, { fetch = [], ...rest } = {}) {
      const outputs = await Promise.all(fetch.map((name) => {
        const program = programs.get(name)!;
        return program.run(Object.fromEntries(program.inputs.map((port) => [port.name, feeds[port.name]])), { ...rest, fetch: [name] });
      }));
      return Object.assign({}, ...outputs) as Awaited<ReturnType<Program['run']>>;
    },
  };
}
