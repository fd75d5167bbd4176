/** A picture as a JPEG file in memory: for pages that show what a model saw. */
import { AV_CODEC_FLAG_QSCALE, AV_PIX_FMT_RGB24, AV_PIX_FMT_YUVJ420P, AVCOL_RANGE_JPEG, AVCOL_SPC_RGB, AVCOL_SPC_SMPTE170M, FF_QP2LAMBDA } from 'node-av/constants';
import { Codec, CodecContext, Frame, Packet, Rational, SoftwareScaleContext } from 'node-av/lib';
import { check } from './ffmpeg.ts';

/** @param data RGB, [height, width, 3]  @param quality 2 (best) to 31, FFmpeg's scale for this codec */
export async function jpeg({ data, width, height }: { data: Uint8Array; width: number; height: number }, quality: number): Promise<Uint8Array> {
  const context = new CodecContext(), scale = new SoftwareScaleContext(), rgb = new Frame(), yuv = new Frame(), packet = new Packet();
  try {
    const codec = Codec.findEncoderByName('mjpeg' as Parameters<typeof Codec.findEncoderByName>[0]);
    if (!codec) throw new Error('this build of FFmpeg has no mjpeg');
    context.allocContext3(codec);
    Object.assign(context, { width, height, pixelFormat: AV_PIX_FMT_YUVJ420P, colorSpace: AVCOL_SPC_SMPTE170M, colorRange: AVCOL_RANGE_JPEG, timeBase: new Rational(1, 1), globalQuality: quality * FF_QP2LAMBDA });
    context.setFlags(AV_CODEC_FLAG_QSCALE);
    check(await context.open2(codec), 'opening the encoder mjpeg');
    for (const [frame, format, colorSpace] of [[rgb, AV_PIX_FMT_RGB24, AVCOL_SPC_RGB], [yuv, AV_PIX_FMT_YUVJ420P, AVCOL_SPC_SMPTE170M]] as const) {
      frame.alloc();
      Object.assign(frame, { width, height, format, colorSpace, colorRange: AVCOL_RANGE_JPEG });
      check(frame.getBuffer(0), 'allocating a picture');
    }
    const plane = rgb.data![0], stride = rgb.linesize[0], row = width * 3;
    for (let y = 0; y < height; y++) plane.set(data.subarray(y * row, (y + 1) * row), y * stride);
    scale.allocContext();
    check(await scale.scaleFrame(yuv, rgb), 'converting a picture');
    yuv.pts = 0n;
    yuv.quality = quality * FF_QP2LAMBDA;
    packet.alloc();
    check(await context.sendFrame(yuv), 'encoding a picture');
    check(await context.sendFrame(null), 'encoding a picture');
    check(await context.receivePacket(packet), 'encoding a picture');
    return Uint8Array.from(packet.data!);
  } finally {
    context.freeContext();
    scale.freeContext();
    for (const owned of [rgb, yuv, packet]) owned.free();
  }
}
