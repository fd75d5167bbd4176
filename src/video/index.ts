/** Video in and out: files → timed RGB frames, frame choice, frame size, and frames → files. */
export { resizer, resizeBicubic } from './resize.ts';
export type { Resize, ResizeRule } from './resize.ts';
export { smartResize } from './smart-resize.ts';
export type { PixelBudget } from './smart-resize.ts';
export { qwenFrameCount, sampleAll, sampleCount, sampleLmms, sampleQwen, sampleStave, sampleTimes } from './sampling.ts';
export type { QwenSampling, Sampled, StaveSampling, Timeline } from './sampling.ts';
export { encodeJpeg, encodeVideo } from './encode.ts';
export type { EncodeOptions, Picture } from './encode.ts';
export { decode, frameTimes, probe } from './decode.ts';
export type { Clip, DecodeOptions, Decoding, Frame, ReadOptions } from './decode.ts';
export type { VideoInfo } from './video-info.ts';
export { isPicture } from './limits.ts';
export type { Limits } from './limits.ts';
export { warmUp } from './isolate.ts';
