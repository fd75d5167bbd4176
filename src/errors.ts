/** Every code a StaveError can carry, with the situation it stands for. */
export const codes = {
  USAGE: 'a command or function was called in a way it does not support',
  VIDEO_MISSING: 'the video does not exist or is not a file',
  VIDEO_UNREADABLE: 'the file is not a video that can be decoded',
  VIDEO_NO_FRAMES: 'the file holds no video stream or no frame',
  VIDEO_TOO_SHORT: 'the clip has fewer frames than the sampling rule needs',
  VIDEO_ENCODE: 'frames could not be written as a video',
  LIMIT: 'a request needs more than the limits allow',
  MODEL_MISSING: 'the model directory or one of its files does not exist',
  MODEL_CONFIG: 'a config file of the model is not valid or asks for something unsupported',
  WEIGHT_MISSING: 'the checkpoint lacks a tensor',
  WEIGHT_SHAPE: 'a tensor has another shape or type than config.json asks for',
  WEIGHTS_CORRUPT: 'a safetensors file or its index is not valid',
  HUB_MISSING: 'the Hub has no such model, revision or file',
  HUB_ACCESS: 'the Hub gives a model out to some accounts only',
  HUB_UNREACHABLE: 'the Hub or the network to it does not work',
  HUB_CORRUPT: 'what came from the Hub is not what it should be',
  HUB_BUSY: 'another process is pulling or removing the model',
  ADAPTER: 'an adapter is not valid or does not fit the model',
  TOKENIZER: 'the tokenizer or the chat template cannot be used',
  GRAPH: 'a graph is not well formed',
  DEVICE: 'the device that was asked for is not there',
  RUNTIME: 'the engine refused a graph or failed while running it',
  ABORTED: 'the caller cancelled',
  RECIPE: 'a training recipe is not valid',
  DATA: 'a data file is not valid',
  JUDGE: 'the judge of an evaluation cannot be asked',
  TRAIN: 'training cannot go on',
  IO: 'a file could not be read or written',
} as const;

export type Code = keyof typeof codes;

export type Details = {
  /** What happened, naming the file, tensor or value. */
  what: string;
  /** Why, when it is known. */
  why?: string;
  /** What the user can do. */
  fix?: string;
  cause?: unknown;
};

/** The one error type stave throws on purpose: what happened, to which value, and what to do. */
export class StaveError extends Error {
  readonly code: Code;
  readonly what: string;
  readonly why: string | undefined;
  readonly fix: string | undefined;

  constructor(code: Code, { what, why, fix, cause }: Details) {
    super([what, why, fix && `→ ${fix}`].filter(Boolean).join('\n'), cause === undefined ? undefined : { cause });
    this.name = 'StaveError';
    this.code = code;
    this.what = what;
    this.why = why;
    this.fix = fix;
  }
}

/** Whether an error means that the caller cancelled: the reason of `AbortController.abort()` or `AbortSignal.timeout()`, our own ABORTED,
 * or, when the signal is given, whatever reason it was aborted with. */
export function isAbort(error: unknown, signal?: AbortSignal): boolean {
  if (signal?.aborted && error === signal.reason) return true;
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError' || (error instanceof StaveError && error.code === 'ABORTED'));
}
