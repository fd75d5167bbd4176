/** The command line called as a function, its output kept. */
import { fileURLToPath } from 'node:url';
import type { Io } from '../../src/cli/command.ts';
import { main } from '../../src/cli/main.ts';

export const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
/** A Qwen2-VL with STA of a few thousand untrained weights. */
export const model = `${goldens}models/staveq2`;
/** 90 frames, 30 a second, 192×144. */
export const clip = `${goldens}video/h264_bframes_30fps.mp4`;

export type Outcome = { code: number; out: string; err: string };

type Surroundings = Partial<Pick<Io, 'signal' | 'confirm' | 'lines' | 'onInterrupt'>> & { /** Sees what has been written so far. */ onOut?: (out: string) => void; /** Columns of one; absent: none. */ terminal?: number };

/** Runs `stave …argv`. */
export async function stave(argv: string[], { signal = new AbortController().signal, onOut, terminal, ...more }: Surroundings = {}): Promise<Outcome> {
  let out = '', err = '';
  const like = terminal === undefined ? {} : { isTTY: true, columns: terminal };
  const stdout = {
    ...like,
    write: (text: string) => {
      out += text;
      onOut?.(out);
    },
  };
  const stderr = { ...like, write: (text: string) => (err += text) };
  return { code: await main(argv, { stdout, stderr, signal, ...more }), out, err };
}
