/** A trained adapter in PEFT's files. */
import { join } from 'node:path';
import { writeDirectory, writeWhole } from '../files/write.ts';
import { adapterConfigJson } from '../models/adapter-config.ts';
import { linearLayers, loraLayers, type LoraConfig, type LoraLayer } from '../models/lora.ts';
import { saveSafetensors } from '../weights/index.ts';

export type SavedAdapter = {
  config: Omit<LoraConfig, 'modules_to_save'>;
  /** The layers that the configuration meant when it was trained, by the base's names. */
  layers: readonly Pick<LoraLayer, 'module' | 'r' | 'alpha'>[];
  /** The adapter's matrices by PEFT's names (`….lora_A.weight`), and the tensors that were trained whole, by the base's. */
  tensors: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>;
  /** Of all of the base's tensors, by its names. */
  shapes: ReadonlyMap<string, readonly number[]>;
  /** Path or name of the base. */
  base_model_name_or_path: string | null;
};

/** Writes the directory, whole or not at all; PeftModel.from_pretrained reads it. In float32. @throws IO */
export async function saveAdapter(dir: string, { config, layers, tensors, shapes, base_model_name_or_path }: SavedAdapter): Promise<void> {
  const modules_to_save = wholeModules([...tensors.keys()].filter((name) => !/\.lora_[AB]\.weight$/.test(name)), [...shapes.keys()]);
  const meant = { ...config, modules_to_save };
  const json = adapterConfigJson(words(loraLayers(meant, linearLayers(shapes))) === words(layers) ? meant : byName(meant, layers), base_model_name_or_path);
  await writeDirectory(dir, async (temporary) => {
    await saveSafetensors(join(temporary, 'adapter_model.safetensors'), [...tensors].map(([name, { shape, data }]) => ({ name: `base_model.model.${name}`, dtype: 'F32' as const, shape, data })));
    await writeWhole(join(temporary, 'adapter_config.json'), `${JSON.stringify(json, null, 2)}\n`);
  });
}

const words = (layers: SavedAdapter['layers']): string => layers.map(({ module, r, alpha }) => `${module} ${r} ${alpha}`).join();

/** A configuration that lists the layers, for one that would mean others: a recipe's under names of another generation, or of what PEFT cannot leave out. */
function byName(config: LoraConfig, layers: SavedAdapter['layers']): LoraConfig {
  const others = (key: 'r' | 'alpha') => Object.fromEntries(layers.filter((layer) => layer[key] !== config[key]).map((layer) => [layer.module.replaceAll('.', '\\.'), layer[key]]));
  const { exclude: _, layers_to_transform: __, layers_pattern: ___, ...rest } = config;
  return { ...rest, targets: layers.map(({ module }) => module), rank_pattern: others('r'), alpha_pattern: others('alpha') };
}

/** Names for PEFT's modules_to_save that mean these tensors and no others: `temp_attn` for the tensors of all of them. PEFT knows whole modules alone, and takes every module whose name
 * ends so, with a dot before or not. @param trained names of tensors, all of their modules  @param all of the model */
export function wholeModules(trained: readonly string[], all: readonly string[]): string[] {
  const open = new Set(trained);
  const inside = (module: string) => all.filter((name) => name.startsWith(`${module}.`));
  const modules = [...new Set(all.flatMap(parents))];
  const whole = modules.filter((module) => inside(module).every((name) => open.has(name)));
  const outermost = whole.filter((module) => !parents(module).some((parent) => whole.includes(parent)));
  const chosen = new Set<string>();
  for (const module of outermost) {
    const parts = module.split('.');
    const ends = parts.map((_, i) => parts.slice(parts.length - 1 - i).join('.'));
    chosen.add(ends.find((end) => modules.every((other) => !other.endsWith(end) || outermost.includes(other))) ?? module);
  }
  return [...chosen];
}

/** The modules that a name is inside of, outermost first. */
function parents(name: string): string[] {
  const parts = name.split('.');
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join('.'));
}
