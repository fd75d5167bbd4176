/** The few things that every use of FFmpeg here shares. Loading this file loads the native library (tens of milliseconds): files that
 * are imported when stave starts reach it through `import()`. */
import { AV_LOG_QUIET } from 'node-av/constants';
import { FFmpegError, Log } from 'node-av/lib';

Log.setLevel(AV_LOG_QUIET); // what goes wrong is said once, by our errors

/** A negative return code of FFmpeg, in its own words ("Invalid data found when processing input"). */
export class FFmpegFailure extends Error {
  readonly code: number;
  constructor(code: number, step: string) {
    super(`${step}: ${FFmpegError.strerror(code)}`);
    this.code = code;
  }
}

/** Passes a return code on, or throws it when it is an error. `step` names what was being done, in the user's words. */
export function check(code: number, step: string): number {
  if (code < 0) throw new FFmpegFailure(code, step);
  return code;
}
