export { actionIds, actions, mirrored, opposite, type Action } from './actions.ts';
export { colorNames, type ColorName } from './colors.ts';
export { makeScene, type SceneOptions } from './compose.ts';
export { hash, random, type Random } from './random.ts';
export { plain } from './plain.ts';
export { renderer, renderFrames, type Renderer } from './raster.ts';
export { actionOf, evenFrames, isStill, isTellable, mirror, orderOf, reverse, type Actor, type Kind, type Scene } from './scene.ts';
export { shapeNames, type ShapeName } from './shapes.ts';
export { trainingFrames } from './training-frames.ts';
