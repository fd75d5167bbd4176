/** Lines of a chat that begin with a slash. */
import { StaveError } from '../../errors.ts';
import { columns } from '../columns.ts';
import { unknown } from '../command.ts';
import { framesAt } from '../plan.ts';
import type { Conversation, Subject } from './conversation.ts';

type Order = {
  /** What stands behind its name. */
  takes?: string;
  help: string;
  /** @returns what is told; undefined: the chat ends */
  run(chat: Conversation, given: string, ahead: boolean): Promise<string | undefined> | string | undefined;
};

const orders: Record<string, Order> = {
  add: { takes: 'FILE', help: 'talk about one more video or picture', run: async (chat, file, ahead) => described(await chat.add(unquoted(file), ahead)) },
  frames: { help: 'which frames the model sees', run: ({ subjects }) => subjects.map(({ file, part, plan: { frames } }) => `${file}: ${part.type === 'image' ? 'a picture' : framesAt(frames)}`).join('\n') },
  clear: {
    help: 'forget what was said, and all files but those it began with',
    run: (chat) => {
      chat.clear();
      return 'forgotten';
    },
  },
  help: { help: 'this list', run: () => `${list()}Ctrl-C stops an answer and, at the prompt, the chat; Ctrl-D ends it` },
  quit: { help: 'end the chat', run: () => undefined },
};

/** @param ahead whether the model may read while the next question is typed  @throws USAGE; as Conversation.add() does */
export async function obey(line: string, chat: Conversation, ahead: boolean): Promise<string | undefined> {
  const [, name, rest] = /^\/(\S*)\s*(.*)$/s.exec(line)!;
  const given = rest.trim();
  if (!Object.hasOwn(orders, name)) {
    const { what, fix } = unknown('order', `/${name}`, Object.keys(orders).map((known) => `/${known}`));
    throw new StaveError('USAGE', { what, fix: `${fix!.startsWith('did') ? fix : '/help lists them.'} A question that begins with a slash needs a space before it` });
  }
  const { takes } = orders[name];
  if ((takes === undefined) !== (given === '')) throw new StaveError('USAGE', { what: takes === undefined ? `/${name} takes nothing, got "${given}"` : `/${name} needs ${takes}`, fix: '/help lists what can be typed' });
  return orders[name].run(chat, given, ahead);
}

/** A file in a few words. */
export function described({ file, part, plan: { duration, frames, sizes, visual_tokens } }: Subject): string {
  const seen = part.type === 'image' ? `a picture of ${sizes!.source.width}×${sizes!.source.height}` : `${duration === null ? '' : `${duration.toFixed(2)} s, `}${frames.length} frames`;
  return `${file}: ${seen}, ${visual_tokens} visual tokens`;
}

/** Files that are dragged onto a terminal come in quotes. */
const unquoted = (file: string): string => /^(["'])(.+)\1$/.exec(file)?.[2] ?? file;

function list(): string {
  return columns(Object.entries(orders).map(([name, { takes, help }]) => [`/${name}${takes === undefined ? '' : ` ${takes}`}`, help]));
}
