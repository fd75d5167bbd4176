"""Records a small Qwen2.5-VL checkpoint with what transformers makes of it: several videos and images in any order, frames that are resized,
turns; a tied head, F16, shards, narrow windows, the default tokens_per_second. Run in this folder:
pip install torch==2.6.0 torchvision==0.21.0 transformers==4.57.6 pillow && python make.py
Tokenizer, template and preprocessor files are those of ../qwen2_5vl."""
import json, pathlib, shutil
import numpy as np, torch
from PIL import Image
from safetensors.torch import save_file
from transformers import AutoProcessor, Qwen2VLImageProcessor, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration as Model

here, source = pathlib.Path(__file__).parent, pathlib.Path(__file__).parent.parent / 'qwen2_5vl'
rng = np.random.default_rng(7)
torch.manual_seed(7)
torch.set_num_threads(1)

def frames(count, height, width):
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.stack([127 + 100 * np.sin((x + 7 * i) / 9 + c) * np.cos((y - 3 * i) / (7 + c)) for c in range(3)], -1) for i in range(count)]
    return np.clip(np.stack(waves) + rng.normal(0, 8, (count, height, width, 3)), 0, 255).astype(np.uint8)

video, image, text = (lambda *size: ('video', size)), (lambda *size: ('image', (1, *size))), (lambda words: ('text', words))
user = lambda *content: ('user', content)
cases = {  # name → frames a second of each video, turns
    'any_order': ([3.0, 0.7, 1.0], [user(image(56, 56), video(3, 56, 84), text('x'), image(28, 112), video(2, 84, 56), video(4, 56, 84), text('Which?'))]),
    'resize': ([1.5], [user(video(2, 60, 45), image(50, 70), text('Describe.'))]),
    'turns': ([2.0], [('system', [text('Be brief.')]), user(video(2, 84, 84), text('What?')), ('assistant', [text('A thing.')]), user(image(56, 112), text('And this?'))]),
}

def new_checkpoint():
    ids = dict(image_token_id=1012, video_token_id=1013, vision_start_token_id=1009, vision_end_token_id=1010, vision_token_id=1011)
    language = dict(vocab_size=1024, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, rms_norm_eps=1e-6, tie_word_embeddings=True,
                    bos_token_id=1000, eos_token_id=1002, pad_token_id=1000, rope_scaling=dict(rope_type='default', type='default', mrope_section=[2, 3, 3]))
    vision = dict(depth=3, hidden_size=32, intermediate_size=40, num_heads=2, out_hidden_size=32, window_size=84, fullatt_block_indexes=[1])
    model = Model._from_config(Qwen2_5_VLConfig(text_config=language, vision_config=vision, **ids))
    with torch.no_grad():
        for name, p in model.named_parameters():
            norm = 'norm' in name or 'ln_q' in name
            p.copy_(1 + 0.2 * torch.randn_like(p) if norm else torch.randn_like(p) * (0.15 if p.dim() > 1 else 0.05) * (3 if 'embed_tokens' in name else 1))
    model.half().save_pretrained(here, max_shard_size='100KB')
    (here / 'generation_config.json').unlink(missing_ok=True)
    for name in ['tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja', 'preprocessor_config.json', 'video_preprocessor_config.json']:
        shutil.copyfile(source / name, here / name)

def record(model, processor, name, fps, turns):
    media = {'video': [], 'image': []}
    messages = []
    for role, content in turns:
        parts = []
        for kind, value in content:
            if kind != 'text':
                media[kind].append(frames(*value))
            parts.append({'type': 'text', 'text': value} if kind == 'text' else {'type': kind})
        messages.append({'role': role, 'content': parts})
    prompt = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[prompt], videos=[torch.from_numpy(v).permute(0, 3, 1, 2) for v in media['video']], images=[Image.fromarray(i[0]) for i in media['image']], fps=fps, return_tensors='pt')
    positions, delta = model.model.get_rope_index(inputs['input_ids'], inputs['image_grid_thw'], inputs['video_grid_thw'], inputs['second_per_grid_ts'], inputs['attention_mask'])
    out = {f'{name}.position_ids': positions[:, 0].int()}
    visual = model.model.visual
    keep = lambda key: lambda module, args, y: out.update({f'{name}.{key}': y.clone()})
    hooks = [m.register_forward_hook(keep(key)) for key, m in [('patch_embed', visual.patch_embed), *((f'block.{i}', b) for i, b in enumerate(visual.blocks))]]
    out[f'{name}.video_embeds'] = visual(inputs['pixel_values_videos'], grid_thw=inputs['video_grid_thw'])
    for hook in hooks:
        hook.remove()
    out[f'{name}.image_embeds'] = visual(inputs['pixel_values'], grid_thw=inputs['image_grid_thw'])
    out[f'{name}.logits'] = model(**inputs).logits[0, -8:]
    if name == 'resize':
        out[f'{name}.pixel_values_videos'] = inputs['pixel_values_videos']
    out |= {f'{name}.frames.{k}': torch.from_numpy(v) for k, v in enumerate(media['video'])}
    out |= {f'{name}.image.{k}': torch.from_numpy(i[0]) for k, i in enumerate(media['image'])}

    def answer(**settings):
        model.model.rope_deltas = None
        return model.generate(**inputs, do_sample=False, max_new_tokens=24, eos_token_id=[1002, 1000], pad_token_id=1000, **settings)[0, inputs['input_ids'].shape[1]:].tolist()
    return out, {
        'name': name, 'messages': messages, 'fps': fps, 'prompt': prompt, 'input_ids': inputs['input_ids'][0].tolist(),
        'video_grid_thw': inputs['video_grid_thw'].tolist(), 'image_grid_thw': inputs['image_grid_thw'].tolist(), 'second_per_grid_ts': inputs['second_per_grid_ts'].tolist(),
        'rope_delta': int(delta), 'greedy': answer(), 'greedy_repetition_penalty_1.3': answer(repetition_penalty=1.3),
    }

with torch.no_grad():
    new_checkpoint()
    model = Model.from_pretrained(here, dtype=torch.float32).eval()
    processor = AutoProcessor.from_pretrained(here)
    processor.image_processor = Qwen2VLImageProcessor.from_pretrained(here)  # the class that the file names; transformers 4.57 would take the faster one
    tensors, rows = {}, []
    for name, (fps, turns) in cases.items():
        out, row = record(model, processor, name, fps, turns)
        tensors |= {key: value.contiguous() for key, value in out.items()}
        rows.append(row)
save_file(tensors, here / 'expected.safetensors')
(here / 'cases.json').write_text(json.dumps({'model': here.name, 'temporal_attention': None, 'transformers': '4.57.6', 'cases': rows}))
