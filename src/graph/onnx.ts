/** A graph as the bytes of an ONNX model. */
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type NodeProto, type TensorProto } from './onnx/onnx_pb.ts';
import { byteLength, bytesOf, externalTensor, fromRoot, inlineTensor, nodeProto, valueProto } from './onnx/protos.ts';
import { followers } from './onnx/choices.ts';
import { Sizes } from './onnx/sizes.ts';
import { ruleOf } from './ops/table.ts';
import type { Lowering } from './ops/rule.ts';
import { toTyped, type DType, type TypedArray } from './tensor.ts';
import type { Graph } from './topology.ts';
import type { Leaf, Node, OpNode, Value } from './value.ts';

/** What a session is made of. */
export type OnnxModel = {
  /** The bytes of a ModelProto. */
  model: Uint8Array;
  /**
   * For the session option `externalData`: weights in memory that are too large to be copied into the bytes.
   * Empty if `files` is not: onnxruntime 1.30 wants all or no external weights in that table, so they are copied then.
   */
  externalData: { path: string; data: Uint8Array }[];
  /** The files whose bytes the model refers to. If any, the session needs `extra: {session: {model_external_initializers_file_folder_path: '/'}}` (the root of their drive). */
  files: string[];
};

const IR_VERSION = 10;
const OPSET = 21;
const INLINE = 16_384; // bytes up to which a weight in memory is copied into the model

/** @throws GRAPH when an op needs a dim that the inputs' shapes do not determine */
export function onnx(g: Graph): OnnxModel {
  const writer = new Writer(g);
  for (const v of g.initializers) writer.weight(v);
  for (const node of g.nodes) writer.node(node);
  for (const [name, v] of Object.entries(g.outputs)) writer.output(name, v);
  const model = create(ModelProtoSchema, {
    irVersion: BigInt(IR_VERSION),
    producerName: 'stave',
    opsetImport: [{ domain: '', version: BigInt(OPSET) }, { domain: 'com.microsoft', version: 1n }],
    graph: {
      name: 'graph',
      input: g.inputs.map((v) => valueProto(writer.nameOf(v), v)),
      output: Object.entries(g.outputs).map(([name, v]) => valueProto(name, v)),
      node: writer.nodes,
      initializer: [...writer.tensors.values()],
    },
  });
  return { model: toBinary(ModelProtoSchema, model), externalData: writer.externalData, files: [...writer.files] };
}

class Writer {
  readonly nodes: NodeProto[] = [];
  readonly tensors = new Map<string, TensorProto>();
  readonly externalData: OnnxModel['externalData'] = [];
  readonly files = new Set<string>();
  readonly #names = new Map<Value, string>();
  readonly #constants = new Map<string, string>();
  readonly #lowering: Lowering;
  readonly #used: Set<Value>;
  readonly #copies: boolean;
  /** A node that is computed in the branches of a choice → that choice. */
  readonly #followers: Map<OpNode, OpNode>;
  readonly #followed: Set<OpNode>;
  #count = 0;

  constructor(g: Graph) {
    this.#used = new Set([...g.nodes.flatMap((node) => node.inputs), ...Object.values(g.outputs)]);
    this.#followers = followers(g);
    this.#followed = new Set(this.#followers.values());
    this.#copies = g.initializers.some((v) => 'file' in (v.node.attrs as Leaf['Initializer']).source);
    for (const v of [...g.inputs, ...g.initializers]) this.#names.set(v, (v.node.attrs as Leaf['Input']).name);
    for (const [name, v] of Object.entries(g.outputs)) {
      if (v.node.op !== 'Constant' && !this.#names.has(v)) this.#names.set(v, name); // a second name for one value becomes an Identity
    }
    const int64 = (values: readonly number[]): string => this.#constant(toTyped(values, 'int64'), 'int64', [values.length]);
    const inputs = g.inputs.map((v) => ({ name: this.nameOf(v), shape: v.shape }));
    const sizes = new Sizes(inputs, { int64, node: (op, from, attributes) => this.#emit(op, from, [this.#fresh()], { attributes })[0] });
    this.#lowering = {
      shape: (dims) => sizes.shape(dims),
      constant: (values, dtype, dims) => this.#constant(toTyped(values, dtype), dtype, dims),
      node: (op, from, to = this.#fresh()) => this.#emit(op, from, [to])[0],
    };
  }

  /** The name of a value in the model, made up for one that has none. */
  nameOf(v: Value): string {
    let name = this.#names.get(v);
    if (name === undefined) this.#names.set(v, (name = this.#fresh()));
    return name;
  }

  weight(v: Value): void {
    const { name, source } = v.node.attrs as Leaf['Initializer'];
    if (this.tensors.has(name)) return;
    const dims = v.shape as readonly number[];
    if ('file' in source) {
      this.files.add(source.file);
      this.tensors.set(name, externalTensor(name, v.dtype, dims, fromRoot(source.file), source.offset, source.byteLength));
    } else if (this.#copies || byteLength(source) <= INLINE) {
      this.tensors.set(name, inlineTensor(name, v.dtype, dims, source.data));
    } else {
      const path = `memory/${this.externalData.length}`;
      this.externalData.push({ path, data: bytesOf(source.data) });
      this.tensors.set(name, externalTensor(name, v.dtype, dims, path, 0, source.data.byteLength));
    }
  }

  node(node: Node): void {
    if (node.op === 'Constant') this.#names.set(node.outputs[0], this.#constant(node.attrs.data, node.outputs[0].dtype, node.outputs[0].shape as readonly number[]));
    else if (node.op !== 'Input' && node.op !== 'Initializer') this.#op(node);
  }

  #op(node: OpNode): void {
    if (this.#followed.has(node)) return; // written with what follows it
    const choice = this.#followers.get(node) ?? (node.op === 'If' ? node : undefined);
    if (choice === undefined) this.nodes.push(this.#proto(node, node.inputs.map((v) => this.nameOf(v)), node.outputs.map((v) => this.nameOf(v))));
    else this.#choose(choice, node);
  }

  /** A choice as a node with two branches, in which `last` is computed: what follows it, or the choice itself. */
  #choose(choice: OpNode, last: OpNode): void {
    const [condition, ...operands] = choice.inputs;
    const [then_branch, else_branch] = operands.map((operand) => {
      const names = last.inputs.map((v) => this.nameOf(v.node === choice ? operand : v));
      const outputs = last.outputs.map(() => this.#fresh());
      return { graph: { node: last === choice ? nodeProto('Identity', [this.nameOf(operand)], outputs) : this.#proto(last, names, outputs), type: last.outputs[0] } };
    });
    this.nodes.push(nodeProto('If', [this.nameOf(condition)], [this.nameOf(last.outputs[0])], { attributes: { then_branch, else_branch } }));
  }

  #proto(node: OpNode, inputs: readonly string[], outputs: readonly string[]): NodeProto {
    const wires = { inputs, outputs, types: node.inputs, used: node.outputs.map((v) => this.#used.has(v)) };
    const form = ruleOf(node.op).onnx?.(node.attrs, wires, this.#lowering) ?? {};
    return nodeProto(form.op ?? node.op, form.inputs ?? wires.inputs, form.outputs ?? wires.outputs, form);
  }

  output(name: string, v: Value): void {
    if (this.nameOf(v) !== name) this.#emit('Identity', [this.nameOf(v)], [name]);
  }

  #emit(op: string, inputs: readonly string[], outputs: readonly string[], form: Parameters<typeof nodeProto>[3] = {}): readonly string[] {
    this.nodes.push(nodeProto(op, inputs, outputs, form));
    return outputs;
  }

  #constant(data: TypedArray, dtype: DType, dims: readonly number[]): string {
    const key = `${dtype}[${dims.join()}]${data.length <= 64 ? data.join() : `#${this.#count}`}`;
    let name = this.#constants.get(key);
    if (name === undefined) {
      this.#constants.set(key, (name = this.#fresh()));
      this.tensors.set(name, inlineTensor(name, dtype, dims, data));
    }
    return name;
  }

  #fresh(): string {
    return `%${this.#count++}`;
  }
}
