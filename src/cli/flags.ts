/** Errors come from the library and give advice in its words; on the command line its options have other names. */
import type { StaveError } from '../errors.ts';
import type { Command } from './command.ts';

const flags: [library: RegExp, flag: string, text: string][] = [
  [/(?<![.\w])max_pixels/g, 'max-pixels', '--max-pixels'],
  [/\(resume: true\)/g, 'resume', 'with --resume'],
  [/another "out"/g, 'out', 'another --out'],
  [/\(missing: skip\)/g, 'missing', '(--missing skip)'],
  [/\(missing: ask-without\)/g, 'missing', '(--missing ask-without)'],
  [/, like \["open", "close"\], numbers, or 'yes\/no'/g, 'choice', ', like --choice "open,close"'],
  [/, like \["open", "close"\], numbers, or 'yes\/no'/g, 'choices', ', like --choices "open,close"'],
  [/decide with end_of_turn/g, 'open-ended', 'leave out --open-ended'],
  [/the device cpu/g, 'device', '--device cpu'],
  [/allow partial videos/g, 'partial', 'add --partial'],
];

/** The message of an error, its advice in the options that the command has. */
export function inFlags({ message, fix }: StaveError, known: Command['options']): string {
  if (fix === undefined) return message;
  const advice = flags.reduce((text, [library, flag, name]) => (Object.hasOwn(known, flag) ? text.replace(library, name) : text), fix);
  return message.slice(0, message.length - fix.length) + advice;
}
