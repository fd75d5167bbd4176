/** Pixels. */
export type Size = { width: number; height: number };

/** What a file's header says. */
export type VideoInfo = {
  path: string;
  /** Container as FFmpeg names it, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  format: string;
  /** e.g. `h264`. */
  codec: string;
  /** Pixels, as shown: after rotation. */
  width: number;
  height: number;
  /** Pixels, as stored. */
  codedWidth: number;
  codedHeight: number;
  /** Degrees anticlockwise from stored to shown, as FFmpeg reports. */
  rotation: number;
  /** Seconds. */
  duration: number;
  /** Frames per second, on average. */
  fps: number;
  /** Number of frames if the header says it, else null. */
  frames: number | null;
  /** Seconds, time of the first frame. */
  startTime: number;
  /** e.g. `yuv420p`. */
  pixelFormat: string;
  /** What is missing of a file that was cut short; absent for whole files. */
  truncated?: string;
};
