/** Rows of numbers in 8 bits with one scale each, w ≈ code · scale, laid on their side: the engine's fastest kernels take matrices by columns.
 *
 * The scale is the one of the least squared error for the codes that rounding by the largest number gives: with 8 bits clipping never pays. */

export type PackedRows = {
  /** [width, rows], from −127 to 127 */
  codes: Int8Array;
  /** [rows] */
  scales: Float32Array;
};

const TOP = 127;

/** Packs rows of `width` numbers. @throws RangeError for a number that is not finite: its row */
export function packRows(x: Float32Array, width: number): PackedRows {
  const rows = x.length / width;
  const codes = new Int8Array(x.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const numbers = x.subarray(row * width, (row + 1) * width);
    let largest = 0, all = 0;
    for (const w of numbers) {
      largest = Math.max(largest, Math.abs(w));
      all += w;
    }
    if (!Number.isFinite(all)) throw new RangeError(`row ${row}`);
    const inverse = largest === 0 ? 0 : TOP / largest;
    let products = 0, squares = 0;
    for (let i = 0; i < width; i++) {
      const code = Math.round(numbers[i] * inverse);
      codes[i * rows + row] = code;
      products += numbers[i] * code;
      squares += code * code;
    }
    scales[row] = squares > 0 ? products / squares : 0;
  }
  return { codes, scales };
}
