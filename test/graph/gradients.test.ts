/** Every op's gradient against central differences; every fused op against its decomposition. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differentiable, grad, graph, input, rules, type Node, type Value } from '../../src/graph/index.ts';
import { ruleOf } from '../../src/graph/ops/table.ts';
import { cases, sizes, type Case } from './cases.ts';
import { assertClose, evaluate, floats, Session, sized, uniform, type Feeds } from './evaluate.ts';

type Setup = { xs: Value[]; y: Value; weights: Value; feeds: Feeds };

/** Gives every name a size, also where no other input of a graph has it. */
const anchor = input('anchor', 'float32', ['B', 'T', 'N']);

function setUp({ shapes, range: [from, to] = [-1, 1], fixed = [], f }: Case): Setup {
  const next = uniform(7);
  const xs = shapes.map((shape, i) => input(`x${i}`, 'float32', shape));
  const others = fixed.map(({ shape, tensor }, i) => input(`fixed${i}`, tensor.dtype, shape));
  const y = f(...xs, ...others);
  const feeds: Feeds = Object.fromEntries(xs.map((x, i) => [`x${i}`, floats(sized(x.shape, sizes), () => next(from, to))]));
  fixed.forEach(({ tensor }, i) => (feeds[`fixed${i}`] = tensor));
  const weights = input('weights', 'float32', y.shape);
  feeds.weights = floats(sized(y.shape, sizes), () => next(-1, 1));
  feeds.anchor = floats(sized(anchor.shape, sizes), () => 0);
  return { xs, y, weights, feeds };
}

/** Gradients of Σ weights · y by every x. */
const gradients = ({ xs, weights }: Setup, y: Value): Record<string, Value> =>
  Object.fromEntries(grad(y.mul(weights).sum(), xs).map((g, i) => [`d${i}`, g]));

/** The same from differences of y, summed in double precision. */
async function differences({ xs, y, feeds }: Setup, h = 1e-2): Promise<Feeds> {
  const session = await Session.of(graph({ y }, [anchor]));
  const loss = async (): Promise<number> => {
    const { data } = (await session.run(feeds)).y;
    return (feeds.weights.data as Float32Array).reduce((sum, weight, i) => sum + weight * (data[i] as number), 0);
  };
  const results: Feeds = {};
  for (const i of xs.keys()) {
    const { data, dims } = feeds[`x${i}`];
    const name = `d${i}`;
    results[name] = floats(dims, () => 0);
    for (let k = 0; k < data.length; k++) {
      const middle = data[k] as number;
      const at: number[] = [];
      for (const sign of [1, -1]) {
        data[k] = middle + sign * h;
        at.push(data[k] as number, await loss());
      }
      data[k] = middle;
      results[name].data[k] = (at[1] - at[3]) / (at[0] - at[2]);
    }
  }
  await session.release();
  return results;
}

for (const op of differentiable) {
  test(`${op}: gradient equals central differences`, async () => {
    const own = cases[op] ?? assert.fail(`add ${op} to test/graph/cases.ts`);
    for (const [i, one] of own.entries()) {
      const setup = setUp(one);
      assert.ok(graph({ y: setup.y }, [anchor]).nodes.some((node) => node.op === op), `case ${i} does not use ${op}`);
      const actual = await evaluate(gradients(setup, setup.y), setup.feeds, [anchor]);
      const expected = await differences(setup);
      const tolerance = op === 'Cast' ? 0.2 : 2e-3; // steps of float16 against the width of a difference
      for (const name of Object.keys(expected)) assertClose(actual[name], expected[name], { rtol: tolerance, atol: tolerance, name: `${op} case ${i}, ${name}` });
    }
  });
}

/** The last node of the case with its op's decomposition in its place. */
function decomposed(node: Node): Value {
  assert.ok(node.op in rules);
  const rule = ruleOf(node.op as keyof typeof rules);
  return rule.decomposition!(node.inputs, node.attrs);
}

for (const op of differentiable.filter((name) => ruleOf(name).decomposition)) {
  test(`${op}: values and gradient equal those of its decomposition`, async () => {
    for (const [i, one] of cases[op].entries()) {
      const setup = setUp(one);
      const plain = decomposed(setup.y.node);
      const [a, b] = [await evaluate({ y: setup.y, ...gradients(setup, setup.y) }, setup.feeds, [anchor]), await evaluate({ y: plain, ...gradients(setup, plain) }, setup.feeds, [anchor])];
      for (const name of Object.keys(b)) assertClose(a[name], b[name], { rtol: 1e-4, atol: 1e-5, name: `${op} case ${i}, ${name}` });
    }
  });
}
