import { AV_CODEC_FLAG_GLOBAL_HEADER, AV_PIX_FMT_RGB24, AV_PIX_FMT_YUV420P, AVCOL_RANGE_JPEG, AVCOL_RANGE_MPEG, AVCOL_SPC_RGB, AVCOL_SPC_SMPTE170M, AVERROR_EAGAIN, AVERROR_EOF, AVFMT_GLOBALHEADER } from 'node-av/constants';
import { Codec, CodecContext, Dictionary, FormatContext, Frame, Packet, Rational, SoftwareScaleContext } from 'node-av/lib';
import { check } from './ffmpeg.ts';

export type EncoderOptions = { format: string; codec: 'h264' | 'vp9'; width: number; height: number; fps: number; quality: number; speed: 'fast' | 'small' };

/** 29.97 → 30000/1001, 25 → 25/1, 12.5 → 25/2: the rate as players expect it. */
function rational(fps: number): Rational {
  const ntsc = Math.round(fps * 1.001);
  if (!Number.isInteger(fps) && Math.abs(fps - ntsc / 1.001) < 0.005) return new Rational(ntsc * 1000, 1001);
  for (let den = 1; den <= 1000; den++) if (Math.abs(fps * den - Math.round(fps * den)) < 1e-9 * fps * den) return new Rational(Math.round(fps * den), den);
  return new Rational(Math.round(fps * 1000), 1000);
}

/** Encoder settings by name. One thread: the same bytes on every machine, and clips are rendered side by side anyway. */
function settings({ codec, quality, speed }: EncoderOptions): Record<string, string> {
  if (codec === 'h264') return { threads: '1', crf: `${quality}`, preset: speed === 'fast' ? 'veryfast' : 'slow' };
  return { threads: '1', crf: `${quality}`, b: '0', deadline: speed === 'fast' ? 'realtime' : 'good', 'cpu-used': speed === 'fast' ? '7' : '2', 'row-mt': '0' };
}

/** One video file being written: RGB → YUV → packets → container. Every instance must be freed. */
export class Encoder {
  readonly width: number;
  readonly height: number;
  readonly #output = new FormatContext();
  readonly #context = new CodecContext();
  readonly #scale = new SoftwareScaleContext();
  readonly #rgb = new Frame();
  readonly #yuv = new Frame();
  readonly #packet = new Packet();
  #count = 0n;
  #freed = false;

  private constructor({ width, height }: EncoderOptions) {
    this.width = width;
    this.height = height;
  }

  static async open(file: string, options: EncoderOptions): Promise<Encoder> {
    const encoder = new Encoder(options);
    try {
      await encoder.#start(file, options);
      return encoder;
    } catch (error) {
      encoder.free();
      throw error;
    }
  }

  async #start(file: string, options: EncoderOptions): Promise<void> {
    const [output, context, rgb, yuv] = [this.#output, this.#context, this.#rgb, this.#yuv];
    const name = options.codec === 'h264' ? 'libx264' : 'libvpx-vp9';
    const codec = Codec.findEncoderByName(name as Parameters<typeof Codec.findEncoderByName>[0]);
    if (!codec) throw new Error(`this build of FFmpeg has no ${name}`);
    check(output.allocOutputContext2(null, options.format, file), `choosing the container ${options.format}`);
    const rate = rational(options.fps);
    context.allocContext3(codec);
    context.width = options.width;
    context.height = options.height;
    context.pixelFormat = AV_PIX_FMT_YUV420P;
    context.framerate = rate;
    context.timeBase = rate.inv();
    context.colorSpace = AVCOL_SPC_SMPTE170M;
    context.colorRange = AVCOL_RANGE_MPEG;
    if (output.oformat?.hasFlags(AVFMT_GLOBALHEADER)) context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
    const dictionary = Dictionary.fromObject(settings(options));
    check(await context.open2(codec, dictionary), `opening the encoder ${name}`);
    dictionary.free();
    const stream = output.newStream(codec);
    check(stream.codecpar.fromContext(context), 'describing the stream');
    stream.timeBase = context.timeBase;
    stream.avgFrameRate = rate;
    check(await output.openOutput(), `opening ${file}`);
    check(await output.writeHeader(), 'writing the header');

    for (const [frame, format] of [[rgb, AV_PIX_FMT_RGB24], [yuv, AV_PIX_FMT_YUV420P]] as const) {
      frame.alloc();
      frame.width = options.width;
      frame.height = options.height;
      frame.format = format;
    }
    rgb.colorSpace = AVCOL_SPC_RGB;
    rgb.colorRange = AVCOL_RANGE_JPEG;
    check(rgb.getBuffer(1), 'allocating a frame');
    this.#scale.allocContext();
    this.#packet.alloc();
  }

  /** The next frame, RGB [height, width, 3]. */
  async push(data: Uint8Array): Promise<void> {
    const [rgb, yuv, context] = [this.#rgb, this.#yuv, this.#context];
    const plane = rgb.data![0];
    const stride = rgb.linesize[0];
    const row = this.width * 3;
    if (stride === row) plane.set(data);
    else for (let y = 0; y < this.height; y++) plane.set(data.subarray(y * row, (y + 1) * row), y * stride);
    yuv.unref(); // the encoder may still hold the last one: a fresh buffer each time
    yuv.width = this.width;
    yuv.height = this.height;
    yuv.format = AV_PIX_FMT_YUV420P;
    yuv.colorSpace = AVCOL_SPC_SMPTE170M;
    yuv.colorRange = AVCOL_RANGE_MPEG;
    check(yuv.getBuffer(0), 'allocating a frame');
    check(await this.#scale.scaleFrame(yuv, rgb), 'converting a frame');
    yuv.pts = this.#count++;
    check(await context.sendFrame(yuv), 'encoding a frame');
    await this.#drain();
  }

  /** Writes what the encoder still holds, and the container's index. */
  async finish(): Promise<void> {
    check(await this.#context.sendFrame(null), 'encoding the last frames');
    await this.#drain();
    check(await this.#output.writeTrailer(), 'writing the index');
    await this.#output.closeOutput();
  }

  async #drain(): Promise<void> {
    const [context, output, packet] = [this.#context, this.#output, this.#packet];
    const stream = output.streams[0];
    for (;;) {
      const code = await context.receivePacket(packet);
      if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return;
      check(code, 'encoding a frame');
      packet.streamIndex = 0;
      packet.duration = 1n;
      packet.rescaleTs(context.timeBase, stream.timeBase);
      check(await output.interleavedWriteFrame(packet), 'writing to the file');
      packet.unref();
    }
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#output.closeOutputSync();
    this.#output.freeContext();
    this.#context.freeContext();
    this.#scale.freeContext();
    this.#rgb.free();
    this.#yuv.free();
    this.#packet.free();
  }
}
