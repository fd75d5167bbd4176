/** A strip of frames as terminal text: in colour two pixels a character, by the upper half block; without it one, by a character about as dark. */
import { resizeBicubic, type Picture } from '../video/index.ts';

/** @param frames RGB frames of one size   @param width characters for the whole strip   @param color false: plain ASCII shades */
export function strip(frames: readonly Picture[], { width, color }: { width: number; color: boolean }): string {
  const gap = 1;
  const columns = Math.max(4, Math.floor((width - gap * (frames.length - 1)) / frames.length));
  const small = frames.map((frame) => {
    // A character is about twice as high as wide; a half block makes its pixels square, an ASCII shade does not.
    const rows = Math.max(1, Math.round(((columns * frame.height) / frame.width) / 2));
    const high = color ? rows * 2 : rows;
    return { width: columns, rows, height: high, data: resizeBicubic(frame.data, frame.height, frame.width, high, columns) };
  });
  const lines: string[] = [];
  for (let row = 0; row < Math.max(...small.map((s) => s.rows)); row++) {
    lines.push(small.map((s) => (row >= s.rows ? ' '.repeat(columns) : color ? colorRow(s, row) : shadeRow(s, row))).join(' '.repeat(gap)));
  }
  return lines.join('\n');
}

function colorRow(picture: Picture, row: number): string {
  let line = '';
  for (let x = 0; x < picture.width; x++) {
    const top = (2 * row * picture.width + x) * 3;
    const bottom = top + picture.width * 3;
    const d = picture.data;
    line += `\x1b[38;2;${d[top]};${d[top + 1]};${d[top + 2]};48;2;${d[bottom]};${d[bottom + 1]};${d[bottom + 2]}m▀`;
  }
  return `${line}\x1b[0m`;
}

const shades = ' .:-=+*#%@';

function shadeRow(picture: Picture, row: number): string {
  let line = '';
  for (let x = 0; x < picture.width; x++) {
    const i = (row * picture.width + x) * 3;
    const luma = 0.299 * picture.data[i] + 0.587 * picture.data[i + 1] + 0.114 * picture.data[i + 2];
    line += shades[Math.min(shades.length - 1, Math.floor((luma / 256) * shades.length))];
  }
  return line;
}

/** Whether a stream shows colour: a terminal, and neither NO_COLOR nor TERM=dumb set. */
export function hasColor(stream: { isTTY?: boolean }): boolean {
  if (process.env.FORCE_COLOR !== undefined && process.env.FORCE_COLOR !== '0') return true;
  return Boolean(stream.isTTY) && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}
