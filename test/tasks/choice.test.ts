/** The strict protocols' way from an answer to an option. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chosenOption, lettered } from '../../src/tasks/choice.ts';

const options = lettered(['A cup.', 'Red', 'Moves left', 'Moves left quickly']);
const letter = (answer: string) => chosenOption(answer, options)?.letter;

test('a letter counts where it stands for an option', () => {
  for (const answer of ['B', 'b', ' B. ', '(B)', '(b)', '[B]', '**B**', 'B:', 'B。', 'B. Red', '(B) Red', 'B) because', 'The answer is B', 'The answer is (B).', 'Answer: B', 'The best option is B, since', 'Option B'])
    assert.equal(letter(answer), 'B', answer);
});

test('a letter inside words is none', () => {
  for (const answer of ['It is a box', "I'd say so", 'Do you mean this?', 'Because', 'Based on the video', '', '?', 'E', '(F) x', 'the answer is a thing', 'AB', 'B and C', 'A cab']) assert.equal(letter(answer), undefined, answer);
});

test('two answers are none', () => {
  assert.equal(letter('The answer is A. No, the answer is B.'), undefined);
  assert.equal(letter('a cup, or red'), undefined);
});

test('the text of one option counts, the longest where one holds another', () => {
  assert.equal(letter('a cup'), 'A');
  assert.equal(letter('It is RED!'), 'B');
  assert.equal(letter('It moves left quickly.'), 'D');
  assert.equal(letter('It moves left.'), 'C');
  assert.equal(letter('It is redder'), undefined);
});
