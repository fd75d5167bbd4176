/** A dialogue as what a model is trained on: token ids, labels, positions. */
import { StaveError } from '../errors.ts';
import type { MediaPlan } from '../generate/media.ts';
import { ropeIndex, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { LearntAnswers } from '../tasks/labels.ts';
import { encodeConversation, type ChatTemplate, type Span, type Tokenizer } from '../text/index.ts';
import type { Dialogue } from './dialogue.ts';

export type EncodeOptions = { tokenizer: Tokenizer; template: ChatTemplate; config: Qwen2VLConfig; /** Which answers are learnt; the authors' rule on WebVid-QA, or theirs on SSv2. */ learn: LearntAnswers };

export type EncodedDialogue = {
  ids: number[];
  /** What stands at each place if it is learnt, else −100. The place before it predicts it. */
  labels: number[];
  /** The answers that are learnt: each with the end of its turn. */
  answers: Span[];
  /** M-RoPE positions, [3, S]. */
  positions: Int32Array;
  /** As the chat template writes it, a placeholder for each video or image. */
  prompt: string;
};

/** What of a plan decides the tokens. */
type Seen = Pick<MediaPlan, 'kind' | 'grid' | 'tokens' | 'second_per_grid_t'>;

/** Where answers begin and end is told by the messages' own ends, never by looking for token ids. @param plans of the dialogue's media, in order
 * @throws DATA when nothing is left to learn; TOKENIZER, USAGE as encodeConversation does */
export function encodeDialogue({ messages, unlearnt }: Dialogue, plans: readonly Seen[], { tokenizer, template, config, learn }: EncodeOptions): EncodedDialogue {
  const of = (kind: Seen['kind']) => plans.filter((plan) => plan.kind === kind);
  const tokens = (kind: Seen['kind']) => of(kind).map((plan) => plan.tokens);
  const { ids, prompt, spans } = encodeConversation(tokenizer, template, messages, { videoTokens: tokens('video'), imageTokens: tokens('image') });
  const all = spans.flatMap(({ answer }, i) => (answer === undefined || unlearnt.includes(i) ? [] : [answer]));
  const answers = learn === 'last' ? all.slice(-1) : all;
  if (answers.length === 0) throw new StaveError('DATA', { what: 'no answer is to be learnt', why: 'the row says "loss": false of each', fix: 'leave the row out' });
  const labels = Array<number>(ids.length).fill(-100);
  for (const { start, end } of answers) for (let i = start; i < end; i++) labels[i] = ids[i];
  const { spatial_merge_size, windowed } = config.vision_config;
  const grids = { videos: of('video').map(({ grid }) => grid), images: of('image').map(({ grid }) => grid), second_per_grid_ts: of('video').map(({ second_per_grid_t }) => second_per_grid_t) };
  const { position_ids } = ropeIndex(ids, grids, { ...config, spatial_merge_size, tokens_per_second: windowed?.tokens_per_second });
  return { ids, labels, answers, positions: position_ids, prompt };
}
