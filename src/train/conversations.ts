/** Batches of conversations from a file: each one conversation, its frames decoded on the way. */
import { random } from '../clips/index.ts';
import { mediaOptions, prepareDialogue, problemOf, readMediaFile, readRow, rowAt, type DataFile, type DataModel } from '../data/index.ts';
import { StaveError } from '../errors.ts';
import type { FrameSampling } from '../generate/frame-sampling.ts';
import { textPositions, type PreprocessorConfig, type Qwen2VLConfig } from '../models/qwen2vl/index.ts';
import type { ChatTemplate, Tokenizer } from '../text/index.ts';
import type { BadRow, Batch, BatchId } from './batch.ts';
import { packConversation, type ConversationItem } from './pack-conversation.ts';
import type { Recipe } from './recipe.ts';
import type { ConversationData } from './recipe-data.ts';

/** Files that were looked through, and how their videos are shown. */
export type Conversations = {
  data: ConversationData;
  train: Pick<DataFile, 'file' | 'folder' | 'table'>;
  eval: Pick<DataFile, 'file' | 'folder' | 'table'> | null;
  preprocessor: Record<'image' | 'video', PreprocessorConfig>;
  sampling: FrameSampling;
};

/** Conversation `index` of the run's order, or of the held-out file's. It is a function of the settings and its id alone, and of the files.
 * What a broken video or a conversation that is too long makes unusable comes as its line and the reason. */
export function conversationBatches({ data, train, eval: held, preprocessor, sampling }: Conversations, { clips, accumulate, average }: Recipe['batch'], config: Qwen2VLConfig, tokenizer: Tokenizer, template: ChatTemplate): (id: BatchId) => Promise<Batch | BadRow> {
  const model: DataModel = { config, tokenizer, template, preprocessor, sampling };
  const order = orderOf(train.table.line.length, data);

  return async ({ set, index }) => {
    const from = set === 'train' ? train : held!;
    const { line, text } = await rowAt(from.table, set === 'train' ? order(index) : index);
    const name = `${from.file}:${line}`;
    const { dialogue, problems } = readRow(text, from.folder);
    if (dialogue === undefined) throw new StaveError('DATA', { what: `${name} is not what it was when the run began`, why: problems[0].what, fix: 'leave data files as they are while a run reads them' });
    const { next } = random(data.seed, 'window', set, index);
    const options = { learn: data.learn, max_tokens: data.max_tokens ?? undefined, ...(set === 'train' && data.window === 'random' && { window: (choices: number) => Math.floor(next() * choices) }) };
    try {
      const { plans, encoded } = await prepareDialogue(dialogue, model, options);
      const items: ConversationItem[] = [];
      for (const [i, { kind, grid }] of plans.entries()) items.push({ kind, grid, pixels: await readMediaFile(dialogue.media[i], plans[i], mediaOptions(model, options)) });
      const positions = data.positions === 'text' ? textPositions(0, encoded.ids.length, 0) : encoded.positions;
      return packConversation({ name, ...encoded, positions, items }, config, { average, scale: 1 / (clips * accumulate), scope: data.temporal_scope });
    } catch (error) {
      const problem = problemOf(error);
      if (problem === undefined) throw error;
      return { file: from.file, line, why: problem.what };
    }
  };
}

/** Which row stands at a place of the endless sequence: all of them in one order, then all in another. */
function orderOf(rows: number, { shuffle, seed }: Pick<ConversationData, 'shuffle' | 'seed'>): (index: number) => number {
  let known = { epoch: -1, order: [] as number[] };
  return (index) => {
    const epoch = Math.floor(index / rows);
    if (!shuffle) return index % rows;
    if (known.epoch !== epoch) known = { epoch, order: random(seed, 'order', epoch).shuffle(Array.from({ length: rows }, (_, i) => i)) };
    return known.order[index % rows];
  };
}
