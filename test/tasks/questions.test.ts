import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionIds, actionOf, actions, colorNames, makeScene, mirror, orderOf, reverse, shapeNames } from '../../src/clips/index.ts';
import { actionIn, isRight, questionKinds, questions, reverseClip, score, trainingClip, type Motion10Record, type Question } from '../../src/tasks/index.ts';
import { phrases } from '../../src/tasks/words.ts';

const scenes = Array.from({ length: 1500 }, (_, i) => makeScene(`questions/${i}`));
const all = scenes.map((scene) => ({ scene, qa: questions(scene) }));
const of = (kind: string): { scene: (typeof scenes)[number]; q: Question }[] => all.flatMap(({ scene, qa }) => qa.filter((q) => q.kind === kind).map((q) => ({ scene, q })));
const right = (kind: Motion10Record['kind'], answer: string, truth: string): boolean => isRight(answer, { kind, answer: truth });
const record = (action: keyof typeof actions): Motion10Record => ({ id: action, video: 'x.mp4', kind: 'action', question: 'What is the action happening in this video?', answer: `The action happening in this video is: ${actions[action]}` });

test('the action answer reads as in SSv2-T10', () => {
  const scene = makeScene('t10', { action: 'rising' });
  const answer = (s: typeof scene): string => questions(s).find((q) => q.kind === 'action')!.answer;
  assert.equal(answer(scene), 'The action happening in this video is: [Something] rising');
  assert.equal(answer(reverse(scene)), 'The action happening in this video is: [Something] falling');
  assert.equal(answer(mirror(makeScene('t10', { action: 'clockwise' }))), 'The action happening in this video is: Turning [something] anticlockwise');
});

test('questions and answers are well-formed English', () => {
  for (const { qa } of all) {
    assert.ok(qa.length >= 2);
    for (const { kind, question, answer } of qa) {
      assert.match(question, /^[A-Z][A-Za-z ,:'-]+[?.]$/, question);
      assert.doesNotMatch(question, / {2}|\b(a|an) (a|an|the)\b|undefined/);
      assert.doesNotMatch(`${question} ${answer}`, /\ba (?!one)[aeiou]|\ban [^aeiou]/i, `${question} ${answer}`);
      if (kind !== 'action') assert.match(answer, /^[A-Z0-9][A-Za-z0-9 ,]+\.$/, answer);
      assert.ok(answer.length < 90);
    }
  }
});

test('every kind is asked, in many phrasings', () => {
  for (const kind of questionKinds.filter((kind) => kind !== 'which')) { // that is asked of pictures alone
    const asked = of(kind).map(({ q }) => shapeNames.reduce((t, s) => t.replaceAll(s, 'SHAPE'), colorNames.reduce((t, c) => t.replaceAll(c, 'COLOR'), q.question)));
    assert.ok(asked.length > 200, `${kind}: ${asked.length}`);
    assert.ok(new Set(asked).size >= 6, `${kind}: ${new Set(asked).size} phrasings`);
  }
});

test('yes and no are as frequent, and each says what the scene shows', () => {
  const list = of('yesno').filter(({ scene }) => scene.kind === 'action');
  const yes = list.filter(({ q }) => q.answer === 'Yes.');
  assert.equal(yes.length, list.length / 2);
  for (const { scene, q } of list) {
    const named = actionIds.filter((a) => [phrases[a].doing, phrases[a].do].some((p) => new RegExp(`\\b${p}\\b`).test(q.question)));
    assert.equal(named.length, 1, q.question);
    assert.equal(named[0] === actionOf(scene), q.answer === 'Yes.', q.question);
  }
});

test('checks say what the scene shows, in words that stand for one action, colour or shape', () => {
  const words: [RegExp, (typeof actionIds)[number]][] = [
    [/right to left|\bleft\b(?! to)/, 'right-to-left'],
    [/left to right|\bright\b/, 'left-to-right'],
    [/\bup(wards)?\?/, 'rising'],
    [/\bdown/, 'falling'],
    [/bigger|larger|grow|approach|closer/, 'closer'],
    [/smaller|shrink|away/, 'away'],
    [/anticlockwise|counterclockwise/, 'anticlockwise'],
    [/clockwise/, 'clockwise'],
    [/disappear|vanish/, 'disappearing'],
    [/appear|visible|show(ing)? up/, 'appearing'],
  ];
  const meaning = (question: string) => (/show(ing)? up/.test(question) ? 'appearing' : words.find(([pattern]) => pattern.test(question))?.[1]);
  const yes = of('check').filter(({ q }) => q.answer === 'Yes.').length;
  assert.ok(Math.abs(yes / of('check').length - 0.5) < 0.03);
  for (const { scene, q: { question, answer } } of of('check')) {
    const action = meaning(question);
    if (action !== undefined) {
      assert.equal(action === actionOf(scene), answer === 'Yes.', question);
      continue;
    }
    const color = colorNames.find((name) => question.includes(name));
    const shape = shapeNames.find((name) => question.endsWith(` ${name}?`) || question.includes(` ${name} in the video`));
    const isColor = question.endsWith(` ${color}?`);
    const meant = scene.actors.filter((actor) => (isColor ? question.includes(actor.shape) || scene.actors.length === 1 : color === undefined || actor.color === color));
    assert.ok(isColor || shape !== undefined, question);
    assert.equal(meant.some((actor) => (isColor ? actor.color === color : actor.shape === shape)), answer === 'Yes.', question);
  }
});

test('order questions name both movers by looks that tell them apart', () => {
  for (const { scene, q } of of('order')) {
    const [first, second] = orderOf(scene).map((a) => `${a.color} ${a.shape}`);
    assert.notEqual(first, second);
    const truth = /last|second/.test(q.question) ? second : first;
    assert.equal(q.answer, `The ${truth}.`);
    if (q.question.includes(' or ')) assert.ok(q.question.includes(first) && q.question.includes(second));
  }
});

test('looks are asked of one thing only', () => {
  for (const { scene, qa } of all) {
    if (scene.actors.length === 1 || scene.kind === 'order') continue;
    for (const { kind, question } of qa) {
      if (kind !== 'color' && kind !== 'shape') continue;
      const [actor, ...others] = scene.actors;
      const named = question.includes(actor.shape) || question.includes(actor.color) || /that|moving|moves|turning|appearing|blinking|bouncing/.test(question);
      assert.ok(named, question);
      assert.ok(others.every((o) => !new RegExp(`\\b(${o.shape}|${o.color})\\b`).test(question.replace('shape of', ''))), question);
    }
  }
});

test('an answer is right for its own record and wrong for another truth', () => {
  for (const { q } of questionKinds.filter((kind) => kind !== 'which').flatMap((kind) => of(kind).slice(0, 120))) {
    const truth = { kind: q.kind, answer: q.answer };
    assert.ok(isRight(q.answer, truth), q.answer);
    assert.ok(isRight(`${q.answer.toUpperCase().replace(/\.$/, '')}<|im_end|>`, truth), q.answer);
    assert.ok(!isRight('', truth));
    const other = of(q.kind).find((x) => x.q.answer !== q.answer)!.q.answer;
    assert.ok(!isRight(other, truth), `${other} for ${q.answer}`);
  }
});

test('tolerance and its limits', () => {
  assert.equal(actionIn('[something] disappearing'), 'disappearing');
  assert.equal(actionIn('Something appearing.'), 'appearing');
  assert.equal(actionIn('Turning [something] counterclockwise'), 'anticlockwise');
  assert.equal(actionIn('Moving something'), undefined);
  assert.ok(right('count', 'Three times', '3 times.') && right('count', 'Once.', '1 time.') && right('count', 'Never.', '0 times.'));
  assert.ok(!right('count', '13 times', '3 times.') && !right('count', 'many', '3 times.'));
  assert.ok(right('color', 'It is grey.', 'Gray.') && !right('color', 'Red or gray', 'Gray.'));
  assert.ok(right('shape', 'a plus', 'A cross.') && !right('shape', 'A bar.', 'A rectangle.'));
  assert.ok(right('order', 'the RED circle', 'The red circle.') && !right('order', 'The red square.', 'The red circle.'));
  assert.ok(right('yesno', 'Yes, it is.', 'Yes.') && !right('yesno', 'No', 'Yes.'));
});

test('score counts by kind, class and opposite', () => {
  const result = score([
    { record: record('rising'), answer: record('rising').answer },
    { record: record('rising'), answer: record('falling').answer },
    { record: record('closer'), answer: record('rising').answer },
    { record: { ...record('closer'), kind: 'yesno', answer: 'No.' }, answer: 'no' },
  ]);
  assert.deepEqual(result.overall, { total: 4, right: 2, accuracy: 0.5 });
  assert.deepEqual(result.actions, { rising: { total: 2, right: 1, accuracy: 0.5 }, closer: { total: 1, right: 0, accuracy: 0 } });
  assert.deepEqual(result.opposites, { total: 3, right: 1, accuracy: 1 / 3 });
  assert.equal(result.kinds.yesno!.accuracy, 1);
});

test('a training clip is a function of seed, index and size; its twin plays backwards', () => {
  const options = { frames: 16, width: 84, height: 56 };
  for (let i = 0; i < 12; i++) {
    const clip = trainingClip(7, i, options);
    assert.deepEqual(trainingClip(7, i, options), clip);
    assert.equal(clip.frames.length, 16 * 56 * 84 * 3);
    const ratio = clip.scene.width / clip.scene.height;
    assert.ok(ratio > 1.25 && ratio < 1.78, `${ratio}`);
    const twin = reverseClip(clip);
    const size = 56 * 84 * 3;
    assert.deepEqual(twin.frames.subarray(0, size), clip.frames.subarray(15 * size));
    assert.deepEqual(reverseClip(twin), clip);
    if (clip.scene.kind === 'action') assert.notEqual(twin.qa[0].answer, clip.qa[0].answer);
  }
  assert.notDeepEqual(trainingClip(7, 1, options).frames, trainingClip(8, 1, options).frames);
});

test('a picture is asked about thing by thing, each named by what it alone has', () => {
  for (let i = 0; i < 200; i++) {
    const scene = makeScene(`picture/${i}`, { kind: i % 2 ? 'still' : 'group' });
    const seen = i % 3 ? scene : mirror(scene);
    const [colors, shapes] = [new Set(seen.actors.map(({ color }) => color)), new Set(seen.actors.map(({ shape }) => shape))];
    assert.equal(colors.size * shapes.size, seen.actors.length ** 2);
    const width = seen.width / Math.min(seen.width, seen.height);
    const x = (actor: (typeof seen.actors)[number]) => (seen.mirrored ? width - actor.x : actor.x);
    for (const { kind, question, answer } of questions(seen).filter((q) => q.kind !== 'check')) {
      if (kind === 'which') {
        const [meant, ...more] = seen.actors.filter(({ color, shape }) => answer === `The ${color} ${shape}.`);
        assert.ok(meant !== undefined && more.length === 0, answer);
        const place = question.match(/on the (?:left|right)|at the (?:top|bottom)/)![0];
        const first = { 'on the left': -x(meant), 'on the right': x(meant), 'at the top': -meant.y, 'at the bottom': meant.y }[place]!;
        for (const other of seen.actors) if (other !== meant) assert.ok(first > { 'on the left': -x(other), 'on the right': x(other), 'at the top': -other.y, 'at the bottom': other.y }[place]!, question);
        continue;
      }
      assert.ok(kind === 'color' || kind === 'shape');
      const meant = seen.actors.filter((actor) => new RegExp(`\\b${kind === 'color' ? actor.color : actor.shape}\\.$`, 'i').test(answer));
      assert.equal(meant.length, 1, answer);
      const others = seen.actors.filter((actor) => actor !== meant[0]);
      const named = question.match(/on the (left|right)|at the (top|bottom)/)?.[0];
      if (named === 'on the left') assert.ok(others.every((other) => x(meant[0]) < x(other)), question);
      if (named === 'on the right') assert.ok(others.every((other) => x(meant[0]) > x(other)), question);
      if (named === 'at the top') assert.ok(others.every((other) => meant[0].y < other.y), question);
      if (named === 'at the bottom') assert.ok(others.every((other) => meant[0].y > other.y), question);
      if (others.length > 0 && named === undefined) assert.ok(question.includes(` ${kind === 'color' ? meant[0].shape : meant[0].color}`), question);
      assert.ok(named === undefined || others.length > 0, `${question}: it is alone`);
    }
  }
});
