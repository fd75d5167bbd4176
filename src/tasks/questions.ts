import { actionIds, actionOf, isStill, isTellable, opposite, orderOf, random, type Action, type Random, type Scene } from '../clips/index.ts';
import { checks } from './check-questions.ts';
import type { Question } from './question.ts';
import { aboutStill } from './still-questions.ts';
import { a, actionAnswer, looks, phrases, sentence, times } from './words.ts';

/** The question that SSv2-T10 asks; the other phrasings mean the same. */
export const actionQuestion = 'What is the action happening in this video?';
const actionQuestions = [
  actionQuestion,
  'What action is happening in this video?',
  'Which action is happening in the video?',
  'What is happening in this video?',
  'What happens in this video?',
  'What is the action in this video?',
  'Which action does this video show?',
  'Name the action in this video.',
  'What is going on in this clip?',
];

/** Every kind of question that has one answer for this scene, each in one phrasing drawn with the keys. */
export function questions(scene: Scene, ...keys: (string | number)[]): Question[] {
  const r = random(scene.seed, 'questions', ...keys);
  if (isStill(scene.kind)) return [...aboutStill(scene, r), ...checks(scene, ...keys)];
  const list = scene.kind === 'action' ? aboutAction(scene, r) : scene.kind === 'order' ? aboutOrder(scene, r) : aboutCount(scene, r);
  return [...list, ...aboutLooks(scene, r), ...checks(scene, ...keys)];
}

function aboutAction(scene: Scene, r: Random): Question[] {
  const action = actionOf(scene)!;
  const [actor] = scene.actors;
  const list: Question[] = [
    { kind: 'action', question: r.chance(0.4) ? actionQuestion : r.pick(actionQuestions), answer: actionAnswer(action) },
    ...r.shuffle([yesNo(scene, action, true, r), yesNo(scene, action, false, r)]),
  ];
  if (isTellable(actor)) list.push({ kind: 'describe', question: describeQuestion(r), answer: `${sentence(a(looks(actor)))} ${phrases[action].does}.` });
  if (r.chance(0.15)) list.push(countQuestion(thing(scene, r), r.pick(['blink', 'bounce'] as const), 0, r));
  return list;
}

/** “Is the square moving from left to right?” A wrong one is the opposite in two cases of three. */
function yesNo(scene: Scene, action: Action, truth: boolean, r: Random): Question {
  const asked = truth ? action : r.chance(0.67) ? opposite[action] : r.pick(actionIds.filter((x) => x !== action));
  const { do: act, doing } = phrases[asked];
  const it = thing(scene, r);
  const question = r.pick([`Is ${it} ${doing}?`, `Is ${it} ${doing}?`, `Is ${it} ${doing} in this video?`, `Does ${it} ${act}?`, `In this video, is ${it} ${doing}?`]);
  return { kind: 'yesno', question, answer: truth ? 'Yes.' : 'No.' };
}

/** A name for the one actor that fits it alone. */
function thing(scene: Scene, r: Random): string {
  const [actor] = scene.actors;
  const names = [`the ${actor.shape}`, `the ${actor.shape}`, `the ${looks(actor)}`];
  if (scene.actors.length === 1) names.push('the shape', 'the object');
  return r.pick(names);
}

const describeQuestion = (r: Random): string =>
  r.pick(['Describe this video.', 'Describe this video.', 'Describe the video in one sentence.', 'Describe what happens in this video.', 'Write a one-sentence description of this video.', 'What does this video show?', 'Give a short description of the clip.']);

function aboutOrder(scene: Scene, r: Random): Question[] {
  const [first, second] = orderOf(scene);
  const [p, q] = r.shuffle([first, second]).map((x) => `the ${looks(x)}`);
  const asksFirst = r.chance(0.7);
  const asked = asksFirst ? first : second;
  const templates = asksFirst
    ? [
        `Which moved first, ${p} or ${q}?`,
        `Which moved first, ${p} or ${q}?`,
        `Which one moves first, ${p} or ${q}?`,
        `What moved first, ${p} or ${q}?`,
        `Which shape moved first: ${p} or ${q}?`,
        `Which of the two shapes moved first, ${p} or ${q}?`,
        `Which shape starts moving first, ${p} or ${q}?`,
        `Did ${p} or ${q} move first?`,
        'Which shape moved first?',
        'Which of the two shapes moved first?',
        'Which shape moves first in this video?',
      ]
    : [
        `Which moved last, ${p} or ${q}?`,
        `Which moved second, ${p} or ${q}?`,
        `Which one moves last, ${p} or ${q}?`,
        `Which shape moved last: ${p} or ${q}?`,
        'Which shape moved last?',
        'Which of the two shapes moved second?',
      ];
  const truth = r.chance(0.5);
  const [before, after] = truth ? [first, second] : [second, first];
  return [
    { kind: 'order', question: r.pick(templates), answer: `The ${looks(asked)}.` },
    {
      kind: 'yesno',
      question: r.pick([`Did the ${looks(before)} move before the ${looks(after)}?`, `Does the ${looks(before)} move before the ${looks(after)}?`, `Did the ${looks(after)} move after the ${looks(before)}?`, `Did the ${looks(before)} move first?`]),
      answer: truth ? 'Yes.' : 'No.',
    },
    { kind: 'describe', question: describeQuestion(r), answer: `${sentence(a(looks(first)))} moves first, then ${a(looks(second))} moves.` },
  ];
}

function countQuestion(it: string, what: 'blink' | 'bounce', n: number, r: Random): Question {
  const question = r.pick([
    `How many times does ${it} ${what}?`,
    `How many times did ${it} ${what}?`,
    `How many times does ${it} ${what} in this video?`,
    `How often does ${it} ${what}?`,
    `Count how many times ${it} ${what}s.`,
    `What is the number of times ${it} ${what}s?`,
  ]);
  return { kind: 'count', question, answer: `${sentence(times(n))}.` };
}

function aboutCount(scene: Scene, r: Random): Question[] {
  const { what, times: n } = scene.count!;
  const [actor] = scene.actors;
  const list: Question[] = [
    countQuestion(thing(scene, r), what, n, r),
    { kind: 'yesno', question: r.pick([`Does ${thing(scene, r)} ${what}?`, `Did ${thing(scene, r)} ${what}?`, `Is ${thing(scene, r)} ${what === 'blink' ? 'blinking' : 'bouncing'}?`]), answer: n > 0 ? 'Yes.' : 'No.' },
  ];
  const still = n === 0 && actor.motions.length === 0;
  if (n > 0 || still) list.push({ kind: 'describe', question: describeQuestion(r), answer: still ? `${sentence(a(looks(actor)))} stays still.` : `${sentence(a(looks(actor)))} ${what}s ${times(n)}.` });
  return list;
}

/** Colour and shape, of the only thing there or of the one that does something. */
function aboutLooks(scene: Scene, r: Random): Question[] {
  if (scene.kind === 'order') return looksOfMover(scene, r);
  const [actor] = scene.actors;
  const alone = scene.actors.length === 1;
  const doing = doingNames(scene);
  if (!alone && doing.length === 0) return []; // nothing tells it from the distractor
  const its = (noun: string): string => r.pick([...(alone ? [`the ${noun}`, `the ${noun}`] : []), ...doing.map((d) => d.replace('shape', noun))]);
  const color = r.pick(['color', 'colour']);
  const moves = scene.kind === 'action' && !actionOf(scene)!.endsWith('appearing');
  const list: Question[] = [
    {
      kind: 'color',
      question: r.pick([`What color is ${its('shape')}?`, `What colour is ${its('shape')}?`, `What ${color} is ${its('object')}?`, `What is the ${color} of ${its('shape')}?`, `Which ${color} does ${its('shape')} have?`, ...(alone ? [`What color is the ${actor.shape}?`, `What colour is the ${actor.shape}?`, `What ${color} is it?`, `Which ${color} is the shape?`] : [`What ${color} is the ${actor.shape}?`])]),
      answer: `${sentence(actor.color)}.`,
    },
    {
      kind: 'shape',
      question: r.pick([`What shape is ${its('object')}?`, `What is the shape of ${its('object')}?`, `Which shape is ${its('object')}?`, `What kind of shape is ${its('thing')}?`, `What shape is the ${actor.color} object?`, ...(alone ? ['What shape is shown in this video?', 'What shape is in the video?', 'What shape is it?', 'Which shape do you see?'] : []), ...(moves ? ['Which shape is moving?', 'What shape is moving?', 'What shape moves in this video?'] : [])]),
      answer: `${sentence(a(actor.shape))}.`,
    },
  ];
  return isTellable(actor) ? list : list.filter((q) => q.kind !== 'shape');
}

const sideways = (scene: Scene): boolean => ['left-to-right', 'right-to-left', 'rising', 'falling'].includes(actionOf(scene)!);

/** Ways to say which shape is meant by what it does. */
function doingNames(scene: Scene): string[] {
  if (scene.kind === 'count') {
    const { what, times: n } = scene.count!;
    if (n === 0) return [];
    return what === 'blink' ? ['the shape that blinks', 'the blinking shape'] : ['the shape that bounces', 'the bouncing shape', 'the moving shape'];
  }
  const action = actionOf(scene)!;
  if (sideways(scene)) return ['the moving shape', 'the moving shape', 'the shape that moves', `the shape that ${phrases[action].does}`];
  if (action === 'appearing' || action === 'disappearing') return [`the shape that ${phrases[action].does}`, `the ${phrases[action].doing} shape`];
  return [`the shape that ${phrases[action].does}`, action.endsWith('wise') ? 'the turning shape' : 'the moving shape', 'the moving shape'];
}

function looksOfMover(scene: Scene, r: Random): Question[] {
  const [first, second] = orderOf(scene);
  const early = r.chance(0.7);
  const asked = early ? first : second;
  const which = early ? r.pick(['that moves first', 'that moved first', 'that starts moving first']) : r.pick(['that moves last', 'that moved second']);
  return [
    { kind: 'color', question: r.pick([`What color is the shape ${which}?`, `What colour is the shape ${which}?`, `What color is the object ${which}?`]), answer: `${sentence(asked.color)}.` },
    { kind: 'shape', question: r.pick([`What shape is the object ${which}?`, `What is the shape of the object ${which}?`]), answer: `${sentence(a(asked.shape))}.` },
  ];
}
