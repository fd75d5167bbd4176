/** The command line called as a function, its output kept. */
import { fileURLToPath } from 'node:url';
import { main } from '../../src/cli/main.ts';

export const goldens = fileURLToPath(new URL('../goldens/', import.meta.url));
/** A Qwen2-VL with STA of a few thousand untrained weights. */
export const model = `${goldens}models/staveq2`;
/** 90 frames, 30 a second, 192×144. */
export const clip = `${goldens}video/h264_bframes_30fps.mp4`;

export type Outcome = { code: number; out: string; err: string };

/** Runs `stave …argv`. @param onOut sees what has been written so far  @param terminal columns of one, absent: none */
export async function stave(argv: string[], { signal = new AbortController().signal, onOut, terminal, confirm }: { signal?: AbortSignal; onOut?: (out: string) => void; terminal?: number; confirm?: (question: string) => Promise<boolean> } = {}): Promise<Outcome> {
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
  return { code: await main(argv, { stdout, stderr, signal, confirm }), out, err };
}
