/** The protobuf messages of a model's parts. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Dim } from '../dims.ts';
import type { Attribute, Form } from '../ops/rule.ts';
import { onnxTypes, type DType, type TensorSource, type TypedArray } from '../tensor.ts';
import type { Type } from '../value.ts';
import {
  AttributeProto_AttributeType as Kind, AttributeProtoSchema, GraphProtoSchema, NodeProtoSchema, TensorProto_DataLocation, TensorProtoSchema, ValueInfoProtoSchema,
  type AttributeProto, type GraphProto, type NodeProto, type TensorProto, type ValueInfoProto,
} from './onnx_pb.ts';

/** The bytes of an array; over the same memory. */
export const bytesOf = (data: TypedArray): Uint8Array<ArrayBuffer> => new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);

/** A node that is computed only where a choice takes its branch, and the type of what it gives. */
export type Branch = { graph: { node: NodeProto; type: Type } };

/** As a graph by itself, which sees the names around it. */
const branchProto = ({ node, type }: Branch['graph']): GraphProto => create(GraphProtoSchema, { name: node.name, node: [node], output: [valueProto(node.output[0], type)] });

export function nodeProto(op: string, inputs: readonly string[], outputs: readonly string[], { domain, attributes = {} }: Pick<Form, 'domain'> & { attributes?: Record<string, Attribute | Branch> } = {}): NodeProto {
  return create(NodeProtoSchema, {
    name: outputs[0], // the engine names it when something goes wrong
    opType: op,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
    ...(domain && { domain }),
  });
}

function attributeProto(name: string, value: Attribute | Branch): AttributeProto {
  const init = (fields: MessageInitShape<typeof AttributeProtoSchema>): AttributeProto => create(AttributeProtoSchema, { name, ...fields });
  if ('int' in value) return init({ type: Kind.INT, i: BigInt(value.int) });
  if ('float' in value) return init({ type: Kind.FLOAT, f: value.float });
  if ('ints' in value) return init({ type: Kind.INTS, ints: value.ints.map(BigInt) });
  if ('string' in value) return init({ type: Kind.STRING, s: new TextEncoder().encode(value.string) });
  if ('graph' in value) return init({ type: Kind.GRAPH, g: branchProto(value.graph) });
  const { dtype, dims, data } = value.tensor;
  return init({ type: Kind.TENSOR, t: inlineTensor('', dtype, dims, data) });
}

export function inlineTensor(name: string, dtype: DType, dims: readonly number[], data: TypedArray): TensorProto {
  return create(TensorProtoSchema, { name, dataType: onnxTypes[dtype], dims: dims.map(BigInt), rawData: bytesOf(data).slice() });
}

/** A tensor whose bytes are elsewhere: `location` is relative to the folder the session is told of, or a name in its externalData. */
export function externalTensor(name: string, dtype: DType, dims: readonly number[], location: string, offset: number, length: number): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: onnxTypes[dtype],
    dims: dims.map(BigInt),
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries({ location, offset: String(offset), length: String(length) }).map(([key, value]) => ({ key, value })),
  });
}

/** Where an absolute path is, seen from the root of its drive. */
export const fromRoot = (file: string): string => file.replace(/^[A-Za-z]:/, '').replaceAll('\\', '/').replace(/^\/+/, '');

export const byteLength = (source: TensorSource): number => ('file' in source ? source.byteLength : source.data.byteLength);

type DimensionInit = { value: { case: 'dimValue'; value: bigint } | { case: 'dimParam'; value: string } };

function dimension(d: Dim): DimensionInit {
  return { value: typeof d === 'number' ? { case: 'dimValue', value: BigInt(d) } : { case: 'dimParam', value: d } };
}

export function valueProto(name: string, { dtype, shape }: Type): ValueInfoProto {
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType: onnxTypes[dtype], shape: { dim: shape.map(dimension) } } } },
  });
}
