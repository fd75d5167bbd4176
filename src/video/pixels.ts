import { AV_FRAME_FLAG_INTERLACED, AV_PIX_FMT_RGB24, AVCOL_PRI_UNSPECIFIED, AVCOL_RANGE_JPEG, AVCOL_SPC_RGB, AVCOL_SPC_UNSPECIFIED, AVCOL_TRC_UNSPECIFIED } from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { check } from './ffmpeg.ts';
import { turn, upright } from './orientation.ts';
import type { Orientation } from './orientation.ts';
import { resizer } from './resize.ts';
import type { Resize, ResizeRule } from './resize.ts';
import type { Size } from './video-info.ts';

/** A frame's pixels, RGB [height, width, 3]. The bytes belong to the converter and are valid until its next frame. */
export type Pixels = Size & { data: Uint8Array };

/** Decoded frames → upright RGB of the size wished for. Colour by the frame's own matrix and range (BT.601 if it names none), by FFmpeg's default
 * conversion: what `ffmpeg -pix_fmt rgb24` and the readers of the reference (decord, torchvision) give. Must be freed. */
export class Converter {
  readonly #scale = new SoftwareScaleContext();
  readonly #rgb = new Frame();
  readonly #orientation: Orientation;
  readonly #size: Size | undefined;
  readonly #rule: ResizeRule;
  #plane: Uint8Array = new Uint8Array(0); // rgb's own memory
  #packed: Uint8Array = new Uint8Array(0); // rgb without padding, when there is some
  #turned: Uint8Array = new Uint8Array(0);
  #resized: Uint8Array = new Uint8Array(0);
  #resize: Resize | undefined;

  constructor(orientation: Orientation, size: Size | undefined, rule: ResizeRule) {
    this.#orientation = orientation;
    this.#size = size;
    this.#rule = rule;
    this.#scale.allocContext();
    this.#rgb.alloc();
    if (size) this.#resized = new Uint8Array(size.width * size.height * 3);
  }

  convert(frame: Frame): Pixels {
    let data = this.#toRgb(frame);
    let { width, height } = frame;
    if (this.#orientation !== upright) {
      turn(data, height, width, this.#orientation, this.#turned);
      data = this.#turned;
      if (this.#orientation.swap) [width, height] = [height, width];
    }
    if (!this.#size) return { data, width, height };
    this.#resize ??= resizer(height, width, this.#size.height, this.#size.width, this.#rule);
    return { data: this.#resize(data, this.#resized), ...this.#size };
  }

  /** [frame.height, frame.width, 3] */
  #toRgb(frame: Frame): Uint8Array {
    const [rgb, scale] = [this.#rgb, this.#scale];
    const { width, height } = frame;
    if (rgb.width !== width || rgb.height !== height) { // the first frame, or a stream that changes its size
      rgb.unref();
      rgb.width = width;
      rgb.height = height;
      rgb.format = AV_PIX_FMT_RGB24;
      check(rgb.getBuffer(64), 'allocating a frame');
      this.#plane = rgb.data![0];
      this.#turned = new Uint8Array(this.#orientation === upright ? 0 : width * height * 3);
      this.#resize = undefined;
    }
    rgb.colorSpace = AVCOL_SPC_RGB;
    rgb.colorRange = AVCOL_RANGE_JPEG;
    frame.clearFlags(AV_FRAME_FLAG_INTERLACED); // both fields are shown as one picture
    const convert = () => {
      rgb.colorPrimaries = frame.colorPrimaries; // no change of gamut or transfer
      rgb.colorTrc = frame.colorTrc;
      return scale.scaleFrameSync(rgb, frame);
    };
    if (convert() < 0) { // tags that FFmpeg knows by number alone
      frame.colorSpace = AVCOL_SPC_UNSPECIFIED;
      frame.colorPrimaries = AVCOL_PRI_UNSPECIFIED;
      frame.colorTrc = AVCOL_TRC_UNSPECIFIED;
      check(convert(), 'converting a frame');
    }
    const plane = this.#plane;
    const stride = rgb.linesize[0];
    if (stride === width * 3) return plane.subarray(0, width * height * 3);
    if (this.#packed.length !== width * height * 3) this.#packed = new Uint8Array(width * height * 3);
    for (let y = 0; y < height; y++) this.#packed.set(plane.subarray(y * stride, y * stride + width * 3), y * width * 3);
    return this.#packed;
  }

  free(): void {
    this.#plane = new Uint8Array(0);
    this.#rgb.free();
    this.#scale.freeContext();
  }
}
