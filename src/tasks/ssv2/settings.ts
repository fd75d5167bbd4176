import type { Generation, Protocol, TaskSettings } from '../task.ts';

/** The authors' scripts set the number of tokens and nothing else. `strict`: greedy, whatever the checkpoint says. */
function generation(max_new_tokens: number, protocol: Protocol): Generation {
  return protocol === 'strict' ? { max_new_tokens, do_sample: false } : { max_new_tokens };
}

/** SSv2-T10 and the generative form of the 174 classes: 2 frames per second, at most 8 from the start of the clip, so the first four seconds.
 * `strict`: 8 frames spread over the whole clip. Source: ablation/dataset.py; 32 new tokens as its test run sets */
export function t10Settings(protocol: Protocol): TaskSettings {
  return {
    generation: generation(32, protocol),
    until: [],
    frames: protocol === 'strict' ? { rule: 'ends', frames: 8 } : { rule: 'stave', fps: 2, min_frames: 2, max_frames: 8 },
    pixels: { min_pixels: 16 * 28 * 28, max_pixels: 64 * 28 * 28 },
    temporal_scope: 'item',
  };
}

/** SSv2-VSM: 8 frames of each video. `paper`: the temporal attention runs over the frames of all three in one sequence. `strict`: over each video by itself.
 * Source: vsm/evaluation/dataset.py and run_dataset.py */
export function vsmSettings(protocol: Protocol): TaskSettings {
  return {
    generation: generation(1024, protocol),
    until: [],
    frames: { rule: 'ends', frames: 8 },
    pixels: { min_pixels: 4 * 28 * 28, max_pixels: 40 * 28 * 28 },
    temporal_scope: protocol === 'strict' ? 'item' : 'all',
  };
}
