import { setImmediate } from 'node:timers/promises';
import type { Graph } from '../graph/index.ts';
import { findModel } from '../hub/find.ts';
import { languageGraph, visionParts } from '../models/qwen2vl/index.ts';
import { Runtime } from '../runtime/index.ts';
import { warmUp } from '../video/index.ts';
import { Answer } from './answer.ts';
import { boxModel } from './box.ts';
import { Clock } from './clock.ts';
import type { Choices } from './decide/choices.ts';
import { decide, type DecideOptions, type Decision } from './decide/decide.ts';
import { parseDevice, chooseDevice, type DeviceChoice, type DeviceInfo } from './device/choose.ts';
import { compileParts, visionForms } from './device/parts.ts';
import { sortOf } from './device/self-test.ts';
import type { DeviceTrialOptions } from './device/trial.ts';
import type { VideoSource } from './media.ts';
import { question as ask, type ChatMessage, type MediaPart } from './messages.ts';
import { describe, openModelFiles, type ModelInfo } from './model-files.ts';
import { prepare, type AskOptions, type Plan, type QuestionOptions } from './plan.ts';
import { prefill, type LoadedModel } from './prefill.ts';
import { reuseLimit } from './reuse/limit.ts';
import { Reuse } from './reuse/reuse.ts';
import { run } from './run.ts';
import { weightBytes } from './weight-bytes.ts';
import { chooseWeights, locate, type WeightsOptions } from './weights.ts';

export type LoadOptions = {
  /** Threads of the engine. Default: as many as there are cores. */
  threads?: number;
  /** Where the model runs. A device is tried out on a small model first, once; where it does not pass, the processor takes over, and `device` of the model and its answers says why. Default: cpu. */
  device?: DeviceChoice;
  /** Called when a device is about to be tried out, with its name: that takes seconds, and up to three minutes with a slow driver. */
  onTrial?: DeviceTrialOptions['onTrial'];
  /** Called when it is chosen. */
  onDevice?: (device: DeviceInfo) => void;
  /** Directory of a LoRA adapter as PEFT saves it, to use beside the weights. */
  adapter?: string;
  /** Bytes of visual tokens, keys and values that are kept, so that later questions on the same videos need not work them out again; 0: none. Default: 512 MB, at most an eighth of the memory. */
  reuse?: number;
} & WeightsOptions;

/** A model that answers questions about videos. Made by load(); dispose it to free its memory. */
export class VideoModel {
  readonly info: ModelInfo;
  readonly device: DeviceInfo;
  readonly #runtime: Runtime;
  readonly #model: LoadedModel;

  /** @internal */
  constructor(runtime: Runtime, model: LoadedModel) {
    this.#runtime = runtime;
    this.#model = model;
    this.info = model.info;
    this.device = model.device;
  }

  /** Asks about one video, a file or frames, or about one image. Iterate over what it returns for pieces of text, or await its `result()`.
   * Errors come from there: VIDEO_…, LIMIT, USAGE, RUNTIME, the signal's reason. */
  ask(video: VideoSource | MediaPart, question: string, options: QuestionOptions = {}): Answer {
    return this.generate(ask(video, question, options.system), options);
  }

  /** Continues a conversation of texts, videos and images. */
  generate(messages: readonly ChatMessage[], options: AskOptions = {}): Answer {
    return new Answer(run(this.#model, messages, options));
  }

  /** Decides between answers to a question about one video or image: how likely the model is to give each, from one reading of the prompt. @throws as ask() does; USAGE for choices that are no choice */
  async decide(video: VideoSource | MediaPart, question: string, choices: Choices, options: DecideOptions = {}): Promise<Decision> {
    return this.decideReply(ask(video, question, options.system), choices, options);
  }

  /** Decides between replies to a conversation of texts, videos and images. @throws as decide() does */
  async decideReply(messages: readonly ChatMessage[], choices: Choices, options: Omit<DecideOptions, 'system'> = {}): Promise<Decision> {
    return decide(this.#model, messages, choices, options);
  }

  /** Reads a conversation that will go on, its videos above all, so that the answer to what is put behind it comes at once. Does nothing where nothing is kept (`reuse: 0`). @throws as ask() does */
  async read(messages: readonly ChatMessage[], options: AskOptions = {}): Promise<void> {
    if (this.#model.reuse.enabled) await prefill(this.#model, messages, options, new Clock());
  }

  /** What an answer would take, without decoding a frame. @throws as ask() does before decoding */
  async plan(video: VideoSource | MediaPart, question = '', options: QuestionOptions = {}): Promise<Plan> {
    return (await prepare(this.#model.files, ask(video, question, options.system), options)).plan;
  }

  /** @internal */
  get loaded(): LoadedModel {
    return this.#model;
  }

  /** Seconds for which the engine had work. @internal */
  get busy(): number {
    return this.#runtime.busy;
  }

  /** Resolves when the engine is ready to run; load() does not wait for that. @throws RUNTIME when it refused the model or has died since */
  async ready(): Promise<void> {
    await Promise.all([this.#model.vision, this.#model.language]);
    await this.#runtime.drop(''); // a call that does nothing
  }

  /** Frees the model's memory; answers under way fail. */
  async dispose(): Promise<void> {
    this.#model.reuse.close();
    await this.#runtime.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

/** Loads a model: a directory in the Hugging Face layout, or the name of a model that was pulled; without one, the model in the box. It is checked in full before this resolves; the engine may still be getting ready then, while the first video is decoded.
 * @throws MODEL_MISSING, MODEL_CONFIG, WEIGHT_MISSING, WEIGHT_SHAPE, WEIGHTS_CORRUPT, ADAPTER, TOKENIZER, DEVICE, RUNTIME, USAGE; the signal's reason when aborted */
export async function load(model: string = boxModel, { threads, device: asked = 'cpu', onTrial, onDevice, adapter, reuse, ...weights }: LoadOptions = {}): Promise<VideoModel> {
  const { signal } = weights;
  signal?.throwIfAborted();
  const start = performance.now();
  const limit = reuseLimit(reuse);
  parseDevice(asked);
  warmUp();
  const opening = locate(model, weights).then(async ({ loaded, ...found }) => ({ files: await openModelFiles(loaded, adapter), found }));
  const choosing = chooseDevice(asked, async () => sortOf((await opening).files.model), { threads, signal, onTrial });
  const [{ files, found }, runtime] = await both(opening, choosing.then(({ used }) => Runtime.create({ threads, device: used })));
  try {
    const device = await choosing;
    onDevice?.(device);
    const vision = inTurn(visionParts(files.model, visionForms(device.used)), (graph) => compileParts(runtime, graph, { signal }));
    await setImmediate();
    const language = inTurn(languageGraph(files.model), (graph) => runtime.compile(graph, { signal }));
    const info = await describe(files.model, found);
    const loaded: LoadedModel = { files, info, device, vision, language, reuse: new Reuse(limit), loadTime: (performance.now() - start) / 1000 };
    signal?.throwIfAborted();
    return new VideoModel(runtime, loaded);
  } catch (error) {
    await runtime.dispose();
    throw error;
  }
}

/** A program on its way; that it failed is told where it is waited for. */
function inTurn<P>(graph: Graph, compile: (graph: Graph) => Promise<P>): Promise<P> {
  const program = setImmediate().then(() => compile(graph)); // building a graph and writing its bytes each hold the event loop for a while
  program.catch(() => {});
  return program;
}

/** What a question about a video or image would take, from the files of a model alone: no engine is loaded. @throws as load() and VideoModel.plan() do */
export async function planVideo(model: string, video: VideoSource | MediaPart, question = '', { weights = 'auto', ...options }: QuestionOptions & Pick<WeightsOptions, 'weights'> = {}): Promise<Plan> {
  const files = await openModelFiles(await findModel(model));
  const types = chooseWeights(files.model, weights);
  const planned = types === undefined ? files : { ...files, weight_bytes: weightBytes(files.model.config, types) };
  return (await prepare(planned, ask(video, question, options.system), options)).plan;
}

/** Both, or the first error; then a runtime that was made all the same is ended. */
async function both<T>(opening: Promise<T>, creating: Promise<Runtime>): Promise<[T, Runtime]> {
  try {
    return await Promise.all([opening, creating]);
  } catch (error) {
    await creating.then((runtime) => runtime.dispose(), () => {});
    throw error;
  }
}
