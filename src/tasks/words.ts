import { actions, type Action, type Actor } from '../clips/index.ts';

/** “a red circle”, “an orange star” */
export const a = (words: string): string => `${/^[aeiou]/.test(words) ? 'an' : 'a'} ${words}`;

export const sentence = (text: string): string => text[0].toUpperCase() + text.slice(1);

/** “red circle” */
export const looks = ({ color, shape }: Pick<Actor, 'color' | 'shape'>): string => `${color} ${shape}`;

/** “3 times”, “1 time” */
export const times = (n: number): string => `${n} ${n === 1 ? 'time' : 'times'}`;

/** How an action is said of a thing: “move from left to right”, “moves …”, “moving …”. */
export const phrases: Readonly<Record<Action, { does: string; doing: string; do: string }>> = {
  'left-to-right': { do: 'move from left to right', does: 'moves from left to right', doing: 'moving from left to right' },
  'right-to-left': { do: 'move from right to left', does: 'moves from right to left', doing: 'moving from right to left' },
  rising: { do: 'rise', does: 'rises', doing: 'rising' },
  falling: { do: 'fall', does: 'falls', doing: 'falling' },
  closer: { do: 'come closer', does: 'comes closer', doing: 'coming closer' },
  away: { do: 'go away', does: 'goes away', doing: 'going away' },
  clockwise: { do: 'turn clockwise', does: 'turns clockwise', doing: 'turning clockwise' },
  anticlockwise: { do: 'turn anticlockwise', does: 'turns anticlockwise', doing: 'turning anticlockwise' },
  appearing: { do: 'appear', does: 'appears', doing: 'appearing' },
  disappearing: { do: 'disappear', does: 'disappears', doing: 'disappearing' },
};

/** The answer to the action question, as in SSv2-T10. */
export const actionAnswer = (action: Action): string => `The action happening in this video is: ${actions[action]}`;
