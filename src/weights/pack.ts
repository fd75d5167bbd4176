/** Rows of numbers in few bits: blocks of codes with a scale and a zero point each, w ≈ (code − zero) · scale.
 *
 * Scale and zero point are chosen for the least squared error, from the weights alone: the range is clipped as far as that pays (OMSE, arXiv:1902.06822), then
 * the scale is fitted to the codes by least squares. Rounding to the nearest code between minimum and maximum wastes codes on a few large weights. */

export type Packed = {
  /** [rows, blocks, block_size·bits/8] */
  codes: Uint8Array;
  /** [rows, blocks] */
  scales: Float32Array;
  /** [rows, ⌈blocks·bits/8⌉] */
  zeros: Uint8Array;
};

export type PackOptions = { width: number; bits: 4 | 8; block_size: number };

/** Parts of the range that are tried: of 8 bits no clipping pays. */
const clips = { 4: Array.from({ length: 14 }, (_, i) => 1 - 0.035 * i), 8: [1] };

/** Fits of the scale to the codes at most. */
const FITS = 3;

/** Packs rows of `width` numbers. Two 4-bit values share a byte, the earlier one in its lower half. @throws RangeError for a number that is not finite: its block, counted over all rows */
export function pack(x: Float32Array, { width, bits, block_size }: PackOptions): Packed {
  const rows = x.length / width;
  const blocks = Math.ceil(width / block_size);
  const bytes = (block_size * bits) / 8;
  const zeroBytes = Math.ceil((blocks * bits) / 8);
  const packed: Packed = { codes: new Uint8Array(rows * blocks * bytes), scales: new Float32Array(rows * blocks), zeros: new Uint8Array(rows * zeroBytes) };
  for (let row = 0; row < rows; row++)
    for (let b = 0; b < blocks; b++) {
      const start = row * width + b * block_size;
      const block = x.subarray(start, Math.min(start + block_size, (row + 1) * width));
      const { scale, zero } = fitBlock(block, bits);
      if (!Number.isFinite(scale)) throw new RangeError(`block ${row * blocks + b}`);
      packed.scales[row * blocks + b] = scale;
      put(packed.zeros, row * zeroBytes, b, zero, bits);
      writeCodes(block, { scale, zero }, bits, packed.codes, (row * blocks + b) * bytes);
    }
  return packed;
}

type Fit = { scale: number; zero: number };

/** The scale and zero point of a block with the least squared error among those tried. Zero is always a code's value: padding and pruned weights stay exact. */
function fitBlock(block: Float32Array, bits: 4 | 8): Fit {
  const top = 2 ** bits - 1;
  let low = 0, high = 0, all = 0;
  for (const w of block) {
    if (w < low) low = w;
    if (w > high) high = w;
    all += w;
  }
  if (!Number.isFinite(all)) return { scale: NaN, zero: 0 };
  if (low === high) return { scale: 0, zero: 0 };
  const zero = Math.round((-low * top) / (high - low));
  let best = { error: Infinity, scale: 0, fitted: 0 };
  const consider = (scale: number): boolean => {
    const tried = errorOf(block, scale, zero, top);
    const better = tried.error < best.error;
    if (better) best = tried;
    return better;
  };
  for (const part of clips[bits]) consider(Math.fround((part * (high - low)) / top));
  for (let i = 0; i < FITS && consider(best.fitted); i++);
  return { scale: best.scale, zero };
}

/** Squared error of a block with this scale, and the scale that least squares would give its codes. */
function errorOf(block: Float32Array, scale: number, zero: number, top: number): { error: number; scale: number; fitted: number } {
  const inverse = 1 / scale;
  let error = 0, products = 0, squares = 0;
  for (let i = 0; i < block.length; i++) {
    const w = block[i];
    let code = (w * inverse + zero + 0.5) | 0; // nearest: below zero it is cut off anyway
    if (code < 0) code = 0;
    else if (code > top) code = top;
    const step = code - zero;
    const rest = w - step * scale;
    error += rest * rest;
    products += w * step;
    squares += step * step;
  }
  return { error, scale, fitted: squares > 0 ? Math.fround(products / squares) : scale };
}

function writeCodes(block: Float32Array, { scale, zero }: Fit, bits: 4 | 8, codes: Uint8Array, at: number): void {
  const top = 2 ** bits - 1;
  const inverse = scale === 0 ? 0 : 1 / scale;
  for (let i = 0; i < block.length; i++) put(codes, at, i, Math.min(top, Math.max(0, (block[i] * inverse + zero + 0.5) | 0)), bits);
}

/** Sets value number i behind `at`. */
function put(bytes: Uint8Array, at: number, i: number, value: number, bits: 4 | 8): void {
  if (bits === 8) bytes[at + i] = value;
  else bytes[at + (i >> 1)] |= value << ((i & 1) * 4);
}
