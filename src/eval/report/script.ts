/** The page's one script: shows the questions that fit the filter. It reads nothing but the page, and the page is whole without it. */
export const script = `
'use strict';
const form = document.getElementById('filter'), count = document.getElementById('count');
const samples = Array.from(document.querySelectorAll('article[data-task]'));
const show = () => {
  const [state, task, text] = ['state', 'task', 'text'].map((name) => form.elements[name].value);
  const words = text.toLowerCase();
  let shown = 0;
  for (const sample of samples) {
    const fits = (state === '' || sample.dataset.states.split(' ').includes(state)) && (task === '' || sample.dataset.task === task) && (words === '' || sample.textContent.toLowerCase().includes(words));
    sample.hidden = !fits;
    if (fits) shown++;
  }
  count.textContent = shown + ' of ' + samples.length + ' shown';
};
form.addEventListener('input', show);
form.addEventListener('submit', (event) => event.preventDefault());
form.hidden = false;
show();
`;
