/** Published numbers, accuracy in percent. Source: supplement of arXiv:2510.26027, Tables 1, 3 and 6 */

/** Table 6: VITATECS in the order of {@link vitatecsOrder}, MVBench, Video-MME without and with subtitles. */
const table6: Readonly<Record<string, readonly number[]>> = {
  'Qwen2-VL 2B': [80.8, 82.1, 69.6, 76.1, 72.2, 85.9, 63.2, 55.6, 60.4],
  'STAVEQ2 2B': [81.3, 83.0, 70.1, 76.9, 72.9, 86.6, 65.1, 56.2, 61.3],
  'Qwen2-VL 7B': [88.9, 86.6, 78.2, 80.6, 82.8, 88.8, 67.0, 63.3, 69.0],
  'Qwen2.5-VL 7B': [86.1, 80.0, 73.0, 77.3, 78.8, 88.2, 69.6, 65.1, 71.6],
  'STAVEQ2 7B': [89.8, 87.6, 78.7, 80.9, 83.9, 88.9, 70.1, 66.8, 71.8],
  'STAVEQ2.5 7B': [88.0, 82.1, 74.2, 77.9, 79.7, 88.9, 70.3, 66.2, 72.5],
  'Qwen2-VL 72B': [89.8, 87.8, 77.9, 85.3, 84.8, 90.4, 73.6, 71.2, 77.8],
  'Qwen2.5-VL 72B': [92.1, 88.9, 81.9, 87.1, 89.4, 91.8, 70.4, 73.3, 79.1],
  'STAVEQ2 72B': [92.8, 90.1, 82.3, 87.9, 90.3, 92.8, 74.5, 73.9, 79.9],
  'STAVEQ2.5 72B': [93.1, 90.9, 82.1, 88.0, 90.8, 93.3, 72.4, 74.2, 79.8],
};

export const vitatecsOrder = ['compositionality', 'direction', 'intensity', 'localization', 'sequence', 'type'] as const;

const column = (index: number): Record<string, number> => Object.fromEntries(Object.entries(table6).map(([model, numbers]) => [model, numbers[index]]));

/** Task, or benchmark where the mean of its tasks is published → model → percent. */
export const published: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ...Object.fromEntries(vitatecsOrder.map((aspect, i) => [`vitatecs_${aspect}`, column(i)])),
  mvbench: column(6),
  videomme: column(7),
  videomme_w_subtitle: column(8),
  ssv2_t10: { 'Qwen2-VL 2B, trained': 73.14, 'STAVEQ2 2B, a quarter of the heads': 76.04, 'half of them': 71.18, 'all of them': 58.34, 'a quarter, temporal first': 73.2 },
  ssv2_vsm: { 'STAVEQ2 2B, 80 % positive, without action names': 68.65 },
};
