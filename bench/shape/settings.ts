import { StaveError } from '../../src/errors.ts';
import { parseWeights, type WeightTypes } from '../../src/models/weight-types.ts';

/** The settings of --weights that a bench measures by turns, as `load()` takes them. One that names parts is written with + between them: int8,vision:w8a8+language:int4 @throws USAGE */
export function weightSettings(text: string): string[] {
  const settings = text.split(',').map((setting) => setting.replaceAll('+', ','));
  for (const setting of settings) typesOfSetting(setting);
  return settings;
}

/** @throws USAGE */
export function typesOfSetting(setting: string): WeightTypes {
  const types = parseWeights(setting);
  if (types === 'auto') throw new StaveError('USAGE', { what: '--weights auto', fix: 'say which: auto is another on every machine' });
  return types;
}
