import { actionIds, actionOf, colorNames, isTellable, opposite, random, shapeNames, type Action, type Random, type Scene, type ShapeName } from '../clips/index.ts';
import type { Question } from './question.ts';
import { a, looks } from './words.ts';

/** Shapes that could be taken for one another, or of which one is a kind of the other: never asked as the wrong one. */
const families: readonly (readonly ShapeName[])[] = [['circle', 'oval', 'ring'], ['square', 'rectangle', 'bar', 'diamond'], ['crescent', 'semicircle'], ['pentagon', 'hexagon', 'circle']];

/** An action in everyday words: after “does it …” and after “is it …”. */
const everyday: Readonly<Record<Action, { do: string[]; doing: string[] }>> = {
  'left-to-right': { do: ['move to the right', 'move right', 'go to the right', 'go from left to right'], doing: ['moving to the right', 'moving right', 'going to the right'] },
  'right-to-left': { do: ['move to the left', 'move left', 'go to the left', 'go from right to left'], doing: ['moving to the left', 'moving left', 'going to the left'] },
  rising: { do: ['move up', 'go up', 'move upwards'], doing: ['moving up', 'going up', 'moving upwards'] },
  falling: { do: ['move down', 'go down', 'move downwards'], doing: ['moving down', 'going down', 'moving downwards'] },
  closer: { do: ['get bigger', 'get larger', 'grow', 'approach', 'move closer'], doing: ['getting bigger', 'growing', 'approaching', 'moving closer'] },
  away: { do: ['get smaller', 'shrink', 'move away'], doing: ['getting smaller', 'shrinking', 'moving away'] },
  clockwise: { do: ['rotate clockwise', 'spin clockwise'], doing: ['rotating clockwise', 'spinning clockwise'] },
  anticlockwise: { do: ['rotate anticlockwise', 'spin anticlockwise', 'turn counterclockwise', 'rotate counterclockwise'], doing: ['rotating anticlockwise', 'spinning anticlockwise', 'turning counterclockwise'] },
  appearing: { do: ['appear during the video', 'show up', 'become visible'], doing: ['showing up', 'becoming visible'] },
  disappearing: { do: ['disappear during the video', 'vanish'], doing: ['vanishing'] },
};

/** Yes/no in everyday words: what the one thing does, and what is there or how it looks. */
export function checks(scene: Scene, ...keys: (string | number)[]): Question[] {
  const r = random(scene.seed, 'checks', ...keys);
  const action = actionOf(scene);
  return [...(action ? [ofAction(scene, action, r)] : []), r.chance(0.5) ? ofColor(scene, r) : ofShape(scene, r)].flatMap((q) => q ?? []);
}

function ofAction(scene: Scene, action: Action, r: Random): Question {
  const truth = r.chance(0.5);
  const asked = truth ? action : r.chance(0.67) ? opposite[action] : r.pick(actionIds.filter((x) => x !== action));
  const [actor] = scene.actors;
  const it = r.pick([`the ${looks(actor)}`, `the ${actor.shape}`, ...(scene.actors.length === 1 ? ['the shape', 'the object', 'it'] : [])]);
  return check(truth, r.chance(0.6) ? `Does ${it} ${r.pick(everyday[asked].do)}?` : `Is ${it} ${r.pick(everyday[asked].doing)}?`);
}

/** “Is the star red?” */
function ofColor({ actors }: Scene, r: Random): Question | undefined {
  const named = actors.filter((actor) => isTellable(actor) && actors.every((other) => other === actor || other.shape !== actor.shape));
  if (named.length === 0) return undefined;
  const actor = r.pick(named);
  const truth = r.chance(0.5);
  const color = truth ? actor.color : r.pick(colorNames.filter((name) => actors.every((other) => other.color !== name)));
  const alone = actors.length === 1;
  return check(truth, r.pick([`Is the ${actor.shape} ${color}?`, ...(alone ? [`Is the shape ${color}?`, `Is the object ${color}?`, `Is it ${color}?`] : [])]));
}

/** “Is there a star in the video?”, “Is the red object a star?” */
function ofShape({ actors }: Scene, r: Random): Question | undefined {
  if (!actors.every(isTellable)) return undefined;
  const actor = r.pick(actors);
  const truth = r.chance(0.5);
  const shape = truth ? actor.shape : r.pick(shapeNames.filter((name) => actors.every((other) => !alike(other.shape, name))));
  const places = [`Is there ${a(shape)} in the video?`, `Is there ${a(shape)} in the video?`, `Is there ${a(shape)}?`, `Can you see ${a(shape)}?`, `Does the video show ${a(shape)}?`];
  const ofColor = actors.every((other) => other === actor || other.color !== actor.color) ? [`Is the ${actor.color} object ${a(shape)}?`, `Is there ${a(looks({ color: actor.color, shape }))} in the video?`] : [];
  const alone = actors.length === 1 ? [`Is the object ${a(shape)}?`, `Is it ${a(shape)}?`, `Is this ${a(shape)}?`] : [];
  return check(truth, r.pick([...places, ...ofColor, ...alone]));
}

const alike = (one: ShapeName, other: ShapeName): boolean => one === other || families.some((family) => family.includes(one) && family.includes(other));

const check = (truth: boolean, question: string): Question => ({ kind: 'check', question, answer: truth ? 'Yes.' : 'No.' });
