import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRow } from '../../src/data/forms.ts';

const read = (row: unknown) => readRow(typeof row === 'string' ? row : JSON.stringify(row), '/data');
const wrong = (row: unknown) => read(row).problems.map(({ kind, what }) => `${kind}: ${what}`);
const answer = { role: 'assistant', content: 'It falls.' };

test('the same conversation in every form is the same dialogue', () => {
  const expected = {
    id: null,
    messages: [{ role: 'user', content: [{ type: 'video' }, { type: 'text', text: 'What happens?' }] }, { role: 'assistant', content: 'It falls.' }],
    media: [{ kind: 'video', path: '/data/a.mp4' }],
    unlearnt: [],
  };
  const parts = [{ role: 'user', content: [{ type: 'video', video: 'a.mp4' }, { type: 'text', text: 'What happens?' }] }, { role: 'assistant', content: [{ type: 'text', text: 'It falls.' }] }];
  const rows: [string, unknown][] = [
    ['parts', parts], // a record of the authors' files
    ['parts', { messages: parts }],
    ['parts', { messages: [{ role: 'user', content: [{ type: 'video', video: 'file:///data/a.mp4' }, { type: 'text', text: 'What happens?' }] }, answer] }],
    ['tags', { messages: [{ role: 'user', content: '<video>What happens?' }, answer], videos: ['a.mp4'] }],
    ['tags', { messages: [{ role: 'user', content: '<video>What happens?' }, answer], video: 'a.mp4' }],
    ['tags', { conversations: [{ from: 'human', value: '<video>What happens?' }, { from: 'gpt', value: 'It falls.' }], videos: [{ path: '/data/a.mp4' }] }],
    ['tags', { messages: [{ role: 'user', content: [{ type: 'video' }, { type: 'text', text: 'What happens?' }] }, answer], videos: ['a.mp4'] }],
  ];
  for (const [form, row] of rows) assert.deepEqual(read(row), { form, dialogue: expected, problems: [], ignored: [] }, JSON.stringify(row));
});

test('several videos and images, each in its place; a list of frames with times; wishes of one video; a turn that is not learnt', () => {
  const row = {
    id: 7,
    source: 'somewhere',
    system: 'Be brief.',
    messages: [{ role: 'user', content: 'Here <image> and <video>\nand <video>: same?' }, { role: 'assistant', content: 'No.', loss: false }, { role: 'user', content: '<image>And this?' }, answer],
    videos: [['f/1.jpg', 'f/2.jpg'], { video: 'b.mp4', fps: 2, max_pixels: 50176 }],
    images: ['a.png', 'c.png'],
  };
  const { dialogue, ignored } = read(row);
  assert.deepEqual(dialogue, {
    id: '7',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Here ' }, { type: 'image' }, { type: 'text', text: ' and ' }, { type: 'video' }, { type: 'text', text: '\nand ' }, { type: 'video' }, { type: 'text', text: ': same?' }] },
      { role: 'assistant', content: 'No.' },
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'And this?' }] },
      { role: 'assistant', content: 'It falls.' },
    ],
    media: [{ kind: 'image', path: '/data/a.png' }, { kind: 'video', frames: ['/data/f/1.jpg', '/data/f/2.jpg'], times: null }, { kind: 'video', path: '/data/b.mp4', fps: 2, max_pixels: 50176 }, { kind: 'image', path: '/data/c.png' }],
    unlearnt: [2],
  });
  assert.deepEqual(ignored, ['source']);
  const frames = (video: object) => read({ messages: [{ role: 'user', content: [{ type: 'video', ...video }] }, answer] }).dialogue?.media[0];
  assert.deepEqual(frames({ video: ['1.jpg', '2.jpg'], fps: 4 }), { kind: 'video', frames: ['/data/1.jpg', '/data/2.jpg'], times: [0, 0.25] });
  assert.deepEqual(frames({ frames: ['1.jpg', '2.jpg'], times: [0.5, 3] }), { kind: 'video', frames: ['/data/1.jpg', '/data/2.jpg'], times: [0.5, 3] });
});

test('an entry of Something-Something V2 becomes the authors\' record', () => {
  const { form, dialogue } = read({ id: '78687', label: 'holding potato next to vicks', template: 'Holding [something] next to [something]', placeholders: ['potato', 'vicks'] });
  assert.equal(form, 'ssv2');
  assert.deepEqual(dialogue?.media, [{ kind: 'video', path: '/data/78687.mp4' }]);
  assert.deepEqual(dialogue?.messages, [
    { role: 'user', content: [{ type: 'text', text: 'Look at the provided video and answer the question.' }, { type: 'video' }, { type: 'text', text: 'What is the action happening in this video?' }] },
    { role: 'assistant', content: [{ type: 'text', text: 'The action happening in this video is: Holding [something] next to [something]' }] },
  ]);
  assert.match(wrong({ id: '1420' })[0], /^form: "template" is missing: an entry of test\.json/);
  assert.match(wrong({ id: '../1420', template: 'x' })[0], /^form: "id" is "\.\.\/1420"/);
});

test('nothing that a row says is passed over in silence', () => {
  const question = { role: 'user', content: 'What?' };
  assert.deepEqual(wrong({ system: 7, messages: [question, answer] }), ['form: "system" is 7: a text is needed']);
  assert.deepEqual(wrong({ messages: [question, answer], conversations: [{ from: 'human', value: 'Who?' }, { from: 'gpt', value: 'He.' }] }), ['form: "messages" and "conversations" are both given']);
  for (const field of ['tool_calls', 'weight', 'reasoning_content', 'thinking', 'function_call']) {
    const [told, ...more] = wrong({ messages: [question, { ...answer, [field]: field === 'weight' ? 0 : 'x' }] });
    assert.ok(told.startsWith(`form: messages[1].${field} is not supported: `) && more.length === 0, told);
  }
  assert.deepEqual(read({ source: 'x', messages: [{ ...question, name: 'Ann', value: 'Who?' }, { ...answer, name: 'Bo', from: 'gpt' }] }).ignored, ['source', 'messages[].name', 'messages[].value', 'messages[].from']);
  const { dialogue, ignored } = read({ system: null, messages: null, conversations: [{ ...question, tool_calls: null }, { ...answer, tool_calls: [], reasoning_content: '' }] }); // as tables write what is absent
  assert.deepEqual([dialogue?.messages, ignored], [[question, answer], []]);
});

test('everything that is wrong with a row is told, not only the first', () => {
  assert.deepEqual(
    wrong({ messages: [{ role: 'user', content: '<video><video> What?' }, { role: 'assistant', content: ' ' }, { role: 'tool', content: 'x' }, { role: 'user', content: 'And now?' }], videos: ['a.mp4'], tools: [] }),
    [
      'form: "tools" is not supported',
      'roles: messages[2]: the role is "tool": system, user or assistant is needed',
      'placeholders: the messages name 2 <video>, "videos" gives 1',
      'empty: messages[1]: the answer is empty',
      'roles: messages[3] is the user\'s, the assistant\'s is due',
      'roles: the last message is the user\'s: nothing answers it',
    ],
  );
});

test('what is no row, or says something that cannot be, is refused by name', () => {
  const ask = (content: unknown, more: object = {}) => ({ messages: [{ role: 'user', content }, answer], ...more });
  const cases: [unknown, RegExp][] = [
    ['{"messages": [', /^json: it is not JSON: /],
    ['7', /^form: it is 7: /],
    [{ prompt: 'x' }, /^form: it is \{"prompt":"x"\}: /],
    [{ messages: [] }, /^roles: there is no question and no answer/],
    [[answer], /^roles: messages\[0\] is the assistant's, the user's is due/],
    [ask('', {}), /^empty: messages\[0\]: the question is empty/],
    [ask('<video>?'), /^placeholders: the messages name 1 <video>, "videos" gives 0/],
    [ask('?', { images: ['a.png'] }), /^placeholders: the messages name 0 <image>, "images" gives 1/],
    [ask('<|vision_start|><|video_pad|><|vision_end|>?'), /^placeholders: messages\[0\] holds <\|vision_start\|> as text/],
    [ask([{ type: 'video', video: 'https://example.com/a.mp4' }]), /^form: messages\[0\]\.content\[0\] is an address/],
    [ask([{ type: 'video', video: 'a.mp4', video_start: 3 }]), /^form: .*\.video_start is not known: video, image, path, frames, times, fps, min_pixels, max_pixels are/],
    [ask([{ type: 'video', video: 'a.mp4', fps: 0 }]), /^form: .*\.fps is 0: a number over 0 is needed/],
    [ask([{ type: 'video', frames: ['1.jpg', '2.jpg'], times: [1, 1] }]), /^form: .*times must be 2 ascending numbers/],
    [ask([{ type: 'video', frames: ['1.jpg'], times: [1], fps: 1 }]), /^form: .*has times and fps/],
    [ask([{ type: 'video', video: 'a.mp4', times: [1] }]), /^form: .*times goes with a list of frames/],
    [ask([{ type: 'image', image: ['a.png'] }]), /^form: .*an image is one file/],
    [ask([{ type: 'audio', audio: 'a.wav' }]), /^form: messages\[0\]\.content\[0\] is \{"type":"audio"/],
    [ask(7), /^form: messages\[0\]\.content is 7: a text or a list of parts/],
    [{ messages: [{ role: 'user', content: '?' }, { role: 'assistant', content: '<image>', loss: 1 }], images: ['a.png'] }, /^form: messages\[1\]\.loss is 1/],
  ];
  for (const [row, message] of cases) {
    const { dialogue } = read(row);
    assert.equal(dialogue, undefined);
    assert.match(wrong(row)[0], message);
  }
});
