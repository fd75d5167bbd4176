/** A Hub of our own with a tiny model, and an empty cache. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pull, type Pulled, type PullOptions } from '../../src/hub/index.ts';
import { FakeHub, filesIn, ID } from './server.ts';

/** Two shards and an index. */
export const sharded = filesIn(fileURLToPath(new URL('../goldens/models/qwen2vl', import.meta.url)));
export const WEIGHTS = 'model-00001-of-00002.safetensors', SECOND = 'model-00002-of-00002.safetensors';

const temporary = await mkdtemp(join(tmpdir(), 'stave-hub-'));
after(() => rm(temporary, { recursive: true }));

export type World = {
  hub: FakeHub;
  env: Record<string, string>;
  cache: string;
  /** The model's folder in the cache. */
  model: string;
  get(options?: PullOptions): Promise<Pulled>;
};

export async function world(t: TestContext, files = sharded): Promise<World> {
  const hub = await FakeHub.start(new Map(files));
  t.after(() => hub.stop());
  const home = await mkdtemp(join(temporary, 'home-'));
  const env = { HF_HOME: home, HF_ENDPOINT: hub.endpoint, HF_HUB_DOWNLOAD_TIMEOUT: '0.5' };
  const cache = join(home, 'hub');
  return { hub, env, cache, model: join(cache, 'models--someone--tiny-vl'), get: (options = {}) => pull(ID, { env, pauses: [0.01, 0.01, 0.01], ...options }) };
}

/** Names in a folder; none where there is no folder. */
export const lists = async (folder: string): Promise<string[]> => (await readdir(folder).catch(() => [])).toSorted();
