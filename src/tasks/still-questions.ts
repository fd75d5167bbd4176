import { isTellable, type Actor, type Random, type Scene } from '../clips/index.ts';
import type { Question } from './question.ts';
import { a, looks, sentence } from './words.ts';

/** About a picture of things that stand still: the colour and the shape of each, the thing named by what it alone has, and which is where. */
export function aboutStill(scene: Scene, r: Random): Question[] {
  const list = r.shuffle(scene.actors.flatMap((actor) => aboutOne(actor, scene, r)));
  return [...list, ...scene.actors.flatMap((actor) => which(actor, scene, r) ?? [])];
}

/** “Which one is on the left, the red circle or the blue square?”: whose colour and shape belong together. */
function which(actor: Actor, scene: Scene, r: Random): Question | undefined {
  const others = scene.actors.filter((other) => other !== actor && isTellable(other));
  const places = placesOf(actor, scene);
  if (places.length === 0 || others.length === 0 || !isTellable(actor)) return undefined;
  const [p, q] = r.shuffle([actor, r.pick(others)]).map((x) => `the ${looks(x)}`);
  const where = r.pick(places);
  return {
    kind: 'which',
    question: r.pick([`Which is ${where}, ${p} or ${q}?`, `Which one is ${where}, ${p} or ${q}?`, `What is ${where}, ${p} or ${q}?`, `Which shape is ${where}: ${p} or ${q}?`, `Which shape is ${where}?`]),
    answer: `The ${looks(actor)}.`,
  };
}

function aboutOne(actor: Actor, scene: Scene, r: Random): Question[] {
  const places = placesOf(actor, scene);
  const color = r.pick(['color', 'colour']);
  const alone = scene.actors.length === 1;
  const byShape = isTellable(actor) ? [`What ${color} is the ${actor.shape}?`, `What ${color} is the ${actor.shape}?`] : [];
  const colors = [...byShape, ...places.map((place) => `What ${color} is the shape ${place}?`), ...(alone ? [`What ${color} is the shape?`, `What is the ${color} of the shape?`, `Which ${color} does the object have?`] : [])];
  const shapes = [`What shape is the ${actor.color} object?`, `What shape is the ${actor.color} object?`, ...places.map((place) => `What shape is ${place}?`), ...(alone ? ['What shape is it?', 'What is the shape of the object?', 'Which shape do you see?'] : [])];
  return [
    ...(colors.length > 0 ? [{ kind: 'color', question: r.pick(colors), answer: `${sentence(actor.color)}.` } as const] : []),
    ...(isTellable(actor) ? [{ kind: 'shape', question: r.pick(shapes), answer: `${sentence(a(actor.shape))}.` } as const] : []),
  ];
}

/** Where it alone is, by a clear distance (an eighth of the short side) to the next. */
function placesOf(actor: Actor, { actors, mirrored }: Scene): string[] {
  const others = actors.filter((other) => other !== actor);
  if (others.length === 0) return [];
  const least = 0.125;
  const [low, high] = mirrored ? ['on the right', 'on the left'] : ['on the left', 'on the right'];
  return [
    ...(others.every(({ x }) => actor.x < x - least) ? [low] : []),
    ...(others.every(({ x }) => actor.x > x + least) ? [high] : []),
    ...(others.every(({ y }) => actor.y < y - least) ? ['at the top'] : []),
    ...(others.every(({ y }) => actor.y > y + least) ? ['at the bottom'] : []),
  ];
}
