/** What a training run is given beside its recipe, tells on the way, and comes to. */
import type { Speed } from './meter.ts';
import type { Ended, EvalMetrics, Evaluation } from './metrics.ts';

export type TrainProgress = Speed & {
  step: number;
  steps: number;
  loss: number;
  grad_norm: number;
  lr: number;
  /** Set after an evaluation on the held-out clips. */
  eval?: EvalMetrics['eval'];
};

export type TrainOptions = {
  onStep?: (progress: TrainProgress) => void;
  onLog?: (line: string) => void;
  /** Ends the run after the current step, or in the middle of an evaluation, which a resumed run does then; a checkpoint is saved first. */
  signal?: AbortSignal;
  /** Continues from the last checkpoint in `recipe.out`. */
  resume?: boolean;
};

export type TrainResult = { step: number; finished: boolean; /** Why training ended. */ ended: Ended; /** The best evaluation so far, where the recipe has `best`. */ best?: Evaluation; /** The saved model's directory, when finished. */ model?: string; /** The update after which its weights were so. */ model_step?: number; /** That of its adapters in PEFT's files, where the recipe has them. */ adapter?: string; eval?: EvalMetrics['eval']; /** Rows of the data that could not be used, where there were any: they are in skipped.jsonl. */ skipped?: number };
