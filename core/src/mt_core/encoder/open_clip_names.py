"""Which repository of the hub holds a model of open_clip. Nothing heavy is imported.

Source: open_clip 3.3, `pretrained.py`: those whose towers are its own transformers, with CLIP's byte pairs.
"""

from __future__ import annotations

from mt_core.errors import EncoderError, nearest_name

REPOSITORIES = {
    "ViT-B-32.laion2b_s34b_b79k": "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    "ViT-B-32.datacomp_xl_s13b_b90k": "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
    "ViT-B-32.openai": "timm/vit_base_patch32_clip_224.openai",
    "ViT-B-32.metaclip_fullcc": "timm/vit_base_patch32_clip_224.metaclip_2pt5b",
    "ViT-B-32-256.datacomp_s34b_b86k": "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K",
    "ViT-B-16.laion2b_s34b_b88k": "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
    "ViT-B-16.datacomp_xl_s13b_b90k": "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K",
    "ViT-B-16.dfn2b": "apple/DFN2B-CLIP-ViT-B-16",
    "ViT-B-16.openai": "timm/vit_base_patch16_clip_224.openai",
    "ViT-B-16.metaclip_fullcc": "timm/vit_base_patch16_clip_224.metaclip_2pt5b",
    "ViT-L-14.laion2b_s32b_b82k": "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
    "ViT-L-14.datacomp_xl_s13b_b90k": "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
    "ViT-L-14.dfn2b_s39b": "apple/DFN2B-CLIP-ViT-L-14-39B",
    "ViT-L-14.openai": "timm/vit_large_patch14_clip_224.openai",
    "ViT-L-14.metaclip_fullcc": "timm/vit_large_patch14_clip_224.metaclip_2pt5b",
    "ViT-L-14-336.openai": "timm/vit_large_patch14_clip_336.openai",
    "ViT-H-14.laion2b_s32b_b79k": "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
    "ViT-H-14.dfn5b": "apple/DFN5B-CLIP-ViT-H-14",
    "ViT-H-14.metaclip_fullcc": "timm/vit_huge_patch14_clip_224.metaclip_2pt5b",
    "ViT-H-14-378.dfn5b": "apple/DFN5B-CLIP-ViT-H-14-378",
    "ViT-g-14.laion2b_s34b_b88k": "laion/CLIP-ViT-g-14-laion2B-s34B-b88K",
    "ViT-bigG-14.laion2b_s39b_b160k": "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k",
}
"""By open_clip's names of the model and of its weights; the first of a model is taken where none are named."""


def repository_of(model: str) -> str:
    """The repository, `owner/name`, of a model: "ViT-B-32", "ViT-B-32.openai", or a repository.

    Raises:
        EncoderError: an unknown name, with the nearest one.
    """
    if "/" in model.strip("/"):
        return model
    found = [repository for name, repository in REPOSITORIES.items() if model in (name, name.partition(".")[0])]
    if found:
        return found[0]
    models = list(dict.fromkeys(name.partition(".")[0] for name in REPOSITORIES))
    known = list(REPOSITORIES) if "." in model else models
    near = nearest_name(model, known, cutoff=0.4)
    raise EncoderError(
        f"no model of open_clip is known here as {model!r}",
        fix=f"{f'did you mean open_clip/{near}? ' if near else ''}The models are {', '.join(models)}; a repository "
        "of the hub is open_clip/OWNER/NAME",
    )
