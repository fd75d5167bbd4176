import type { Graph, Tensor } from '../graph/index.ts';
import type { Feed, Program, Runtime } from '../runtime/index.ts';
import type { Batch } from './batch.ts';
import type { TrainState } from './checkpoint.ts';
import { stepValues, type AdamWSettings } from './optimizer.ts';
import { NEXT, type TrainGraphs } from './step.ts';

type Feeds = Record<string, Feed>;
type Programs = { step?: Program; accumulate?: Program; apply?: Program; evaluate?: Program };

/** A model in training: the graphs compiled; parameters, moments and gradients kept in the runtime's worker, where no step copies them. */
export type TrainEngine = {
  /** One update from the micro-batches; none where the gradient norm is not finite: the weights stay (their loss weights already share it); from none, a step that changes nothing. → loss summed over them; gradient norm before clipping */
  update(batches: AsyncIterable<Batch> | Iterable<Batch>, lr: number, signal?: AbortSignal): Promise<{ loss: number; grad_norm: number }>;
  /** Per label: negative log-likelihood and the likeliest token. */
  evaluate(batch: Batch, signal?: AbortSignal): Promise<{ nll: Float32Array; predicted: BigInt64Array }>;
  /** Of a batch whose update came to no number: the first layer whose values are not finite; where all are, the last gradient that is not (the backward pass comes to it first). */
  diagnose(batch: Batch): Promise<string | undefined>;
  /** The state as it is now, copied out of the runtime. */
  state(): Promise<TrainState>;
};

/** The graphs for conversations whose videos and images go through the vision encoder in so many runs. */
export type GraphsOf = (runs: number) => Pick<TrainGraphs, 'accumulate' | 'evaluate' | 'diagnose'>;

/** Compiles the graphs and puts the state into the runtime: its arrays are given away and empty afterwards. `step` of the state counts on with each update.
 * @param accumulate micro-batches of an update; or, for conversations, graphs of other layouts, compiled when a batch needs them */
export async function trainEngine(runtime: Runtime, graphs: TrainGraphs, state: TrainState, settings: AdamWSettings, accumulate: number | GraphsOf, signal?: AbortSignal): Promise<TrainEngine> {
  const compile = (graph: Graph) => runtime.compile(graph, { signal, pack: false }); // a frozen matrix would be packed in both directions, and once more for evaluating
  const programs: Programs = { evaluate: await compile(graphs.evaluate) };
  if (accumulate === 1) programs.step = await compile(graphs.step);
  else {
    programs.accumulate = await compile(graphs.accumulate);
    programs.apply = await compile(graphs.apply);
  }
  const shapes = new Map([...state.weights].map(([name, { shape }]) => [name, shape]));
  const names = [...shapes.keys()];
  const give = (kind: string, name: string, data: Float32Array) => runtime.write(`${kind}:${name}`, { dtype: 'float32', dims: shapes.get(name)!, data }, { transfer: true });
  for (const [name, { data }] of state.weights) {
    await give('param', name, data);
    await give('m', name, state.m.get(name)!);
    await give('v', name, state.v.get(name)!);
  }
  const others = new Map<string, Promise<Program>>();
  /** The program for a batch's layout. */
  const programOf = async (kind: 'accumulate' | 'evaluate', { runs = 1 }: Batch): Promise<Program> => {
    if (runs === 1 || typeof accumulate === 'number') return programs[kind]!;
    const key = `${kind} ${runs}`;
    if (!others.has(key)) others.set(key, compile(accumulate(runs)[kind]));
    return others.get(key)!;
  };
  let step = state.step;
  const kept = (kind: string): Feeds => Object.fromEntries(names.map((name) => [`${kind}:${name}`, { kept: `${kind}:${name}` }]));
  const keep = (...kinds: string[]) => Object.fromEntries(kinds.flatMap((kind) => names.map((name) => [`${NEXT}${kind}:${name}`, `${kind}:${name}`])));
  const scalars = (lr: number): Feeds => Object.fromEntries(Object.entries(stepValues(settings, lr, step + 1)).map(([name, value]) => [name, { dtype: 'float32', dims: [], data: Float32Array.of(value) }]));

  return {
    async update(batches, lr, signal) {
      const optimizer = { ...scalars(lr), ...kept('m'), ...kept('v') };
      if (programs.step) {
        for await (const batch of batches) {
          const out = await programs.step.run({ ...fitting(programs.step, { ...batch.feeds, ...kept('param') }), ...optimizer }, { fetch: ['loss', 'grad_norm'], keep: keep('param', 'm', 'v'), keepIf: 'grad_norm', signal });
          step++;
          return { loss: first(out.loss), grad_norm: first(out.grad_norm) };
        }
      }
      for (const [name, dims] of shapes) await give('g', name, new Float32Array(dims.reduce((a, b) => a * b, 1)));
      let loss = 0;
      let count = 0;
      for await (const batch of batches) {
        const program = await programOf('accumulate', batch);
        const out = await program.run(fitting(program, { ...batch.feeds, ...kept('param'), ...kept('g') }), { fetch: ['loss'], keep: keep('g'), signal });
        loss += first(out.loss);
        count++;
      }
      if (count === 0) { // none of its rows could be used: nothing is learnt, and the moments must not move the weights on
        step++;
        return { loss: 0, grad_norm: 0 };
      }
      const out = await programs.apply!.run({ ...kept('param'), ...kept('g'), ...optimizer }, { fetch: ['grad_norm'], keep: keep('param', 'm', 'v'), keepIf: 'grad_norm', signal });
      step++;
      return { loss, grad_norm: first(out.grad_norm) };
    },

    async evaluate(batch, signal) {
      const program = await programOf('evaluate', batch);
      const out = await program.run(fitting(program, { ...batch.feeds, ...kept('param') }), { signal });
      return { nll: out.nll.data as Float32Array, predicted: out.predicted.data as BigInt64Array };
    },

    async diagnose(batch) {
      const { diagnose } = typeof accumulate === 'number' ? graphs : accumulate(batch.runs ?? 1);
      await using program = await compile(diagnose());
      const out = await program.run(fitting(program, { ...batch.feeds, ...kept('param') }));
      const broken = program.outputs.map(({ name }) => name).filter((name) => !Number.isFinite(first(out[name])));
      return broken.find((name) => !name.startsWith('the gradient')) ?? broken.at(-1);
    },

    async state() {
      const now: TrainState = { step, weights: new Map(), m: new Map(), v: new Map() };
      for (const [name, shape] of shapes) {
        now.weights.set(name, { shape, data: await read(runtime, `param:${name}`) });
        now.m.set(name, await read(runtime, `m:${name}`));
        now.v.set(name, await read(runtime, `v:${name}`));
      }
      return now;
    },
  };
}

const first = (tensor: Tensor) => Number(tensor.data[0]);
const read = async (runtime: Runtime, key: string) => (await runtime.read(key)).data as Float32Array;

/** The feeds that the program takes: a model without STA has no time tables, an evaluation no loss weights, a conversation without a video no vision encoder. */
function fitting({ inputs }: Program, feeds: Feeds): Feeds {
  const names = new Set(inputs.map(({ name }) => name));
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => names.has(name)));
}
