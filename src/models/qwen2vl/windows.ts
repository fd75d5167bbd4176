import type { Tensor } from '../../graph/index.ts';
import { MASKED } from './masked.ts';
import { windowUnits, type VisionConfig } from './vision-config.ts';

/** Where the patches of a frame of h×w patches stand in the order of Qwen2.5-VL's windows. A frame is M merged units of merge_size² patches; windows go over it from the
 * top left, those at the right and lower edge may hold fewer units. transformers Qwen2_5_VisionTransformer get_window_index
 * window_index [M]: the unit, numbered row by row, at each place; reverse_indices [M]: the place of each unit. Patches are attended to in K windows of W slots each:
 * window_slots [K, W]: the patch (its place in window order) in each slot, 0 in an empty one; window_bias [K, 1, W]: 0, or very negative for an empty slot;
 * window_places [4·M]: the slot of each patch, counted over all windows. */
export function windowTables(h: number, w: number, config: VisionConfig): Record<string, Tensor> {
  const unit = config.spatial_merge_size ** 2; // patches
  const [rows, columns] = [h / config.spatial_merge_size, w / config.spatial_merge_size];
  const side = windowUnits(config);
  const windows = cut(rows, columns, side);
  const W = unit * Math.max(...windows.map(({ length }) => length));

  const window_index = windows.flat();
  const reverse_indices = Array<number>(window_index.length);
  window_index.forEach((u, place) => (reverse_indices[u] = place));
  const slots = Array<number>(windows.length * W).fill(0);
  const bias = new Float32Array(slots.length).fill(MASKED);
  const places: number[] = [];
  windows.forEach(({ length }, k) => {
    for (let slot = k * W; slot < k * W + unit * length; slot++) {
      slots[slot] = places.length;
      bias[slot] = 0;
      places.push(slot);
    }
  });
  return {
    window_index: int64([window_index.length], window_index),
    reverse_indices: int64([reverse_indices.length], reverse_indices),
    window_slots: int64([windows.length, W], slots),
    window_places: int64([places.length], places),
    window_bias: { dtype: 'float32', dims: [windows.length, 1, W], data: bias },
  };
}

/** Numbers of the units in each window, row by row. */
function cut(rows: number, columns: number, side: number): number[][] {
  const windows: number[][] = [];
  for (let top = 0; top < rows; top += side)
    for (let left = 0; left < columns; left += side) {
      const units: number[] = [];
      for (let row = top; row < Math.min(top + side, rows); row++) for (let column = left; column < Math.min(left + side, columns); column++) units.push(row * columns + column);
      windows.push(units);
    }
  return windows;
}

const int64 = (dims: number[], values: readonly number[]): Tensor => ({ dtype: 'int64', dims, data: BigInt64Array.from(values, BigInt) });
