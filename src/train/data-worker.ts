/** A thread that renders or decodes clips and packs them: see data.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { StaveError } from '../errors.ts';
import { textReader } from '../models/checkpoint.ts';
import { parseConfig } from '../models/qwen2vl/index.ts';
import { loadChatTemplate, loadTokenizer } from '../text/index.ts';
import type { BatchId } from './batch.ts';
import { conversationBatches } from './conversations.ts';
import type { DataReply, DataSettings } from './data.ts';
import { motion10Batches } from './motion10.ts';

const settings = workerData as DataSettings;
const port = parentPort!;
const read = textReader(settings.tokenizer);
const ready = Promise.all([loadTokenizer(read), loadChatTemplate(read)]).then(([tokenizer, template]) => {
  const config = parseConfig(settings.config);
  return 'conversations' in settings ? conversationBatches(settings.conversations, settings.batch, config, tokenizer, template) : motion10Batches(settings, config, tokenizer, template);
});
ready.catch(() => {}); // reported by the first batch

port.on('message', (id: BatchId) => void answer(id));

async function answer(id: BatchId): Promise<void> {
  const key = `${id.set} ${id.index}`;
  try {
    port.postMessage({ key, made: await (await ready)(id) } satisfies DataReply);
  } catch (error) {
    const { code, what, why, fix } = error instanceof StaveError ? error : { code: 'TRAIN' as const, what: `batch ${key} could not be made`, why: (error as Error).stack, fix: undefined };
    port.postMessage({ key, error: { code, what, why, fix } } satisfies DataReply);
  }
}
