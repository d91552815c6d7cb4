"""For each check of the conformance suite, one line of an official plugin that somebody could get wrong."""

from __future__ import annotations

from typing import NamedTuple


class Breakage(NamedTuple):
    """One changed, added or removed line.

    Attributes:
        file: Below `plugins/<modality>`.
        old: Stands there exactly once.
        own_head: The line is one of `focal_head.py`, which the plugin is given as its head first: no official
            plugin has one of its own.
    """

    modality: str
    file: str
    old: str
    new: str
    own_head: bool = False


def code(modality: str, module: str, old: str, new: str) -> Breakage:
    """A line of a module of the plugin, or of its plugin.toml."""
    file = module if "." in module else f"{module}.py"
    return Breakage(modality, f"src/mt_plugin_{modality}/{file}", old, new)


def project(modality: str, old: str, new: str) -> Breakage:
    """A line of its pyproject.toml."""
    return Breakage(modality, "pyproject.toml", old, new)


def wheel(modality: str, line: str) -> Breakage:
    """A line more of what its pyproject.toml says of the wheel."""
    packages = f'packages = ["src/mt_plugin_{modality}"]\n'
    return project(modality, packages, f"{packages}{line}\n")


def head(modality: str, old: str, new: str) -> Breakage:
    """A line of a head of its own."""
    return Breakage(modality, f"src/mt_plugin_{modality}/head.py", old, new, own_head=True)


PACKAGING = {
    "manifest_has_no_unknown_keys": code("video", "plugin.toml", "recipe = ", "recipes = "),
    "training_takes_the_recipe": code("image", "plugin.toml", "lr = 2e-3", "learning_rate = 2e-3"),
    "options_have_defaults_and_descriptions": code(
        "imu", "tokenizer", ', description="Training: noise, in standard deviations of an axis.")', ")"
    ),
    "the_entry_point_names_what_the_wheel_holds": wheel("graph", 'exclude = ["*.toml"]'),
    "py_typed_is_shipped": wheel("text", 'exclude = ["**/py.typed"]'),
    "a_licence_is_declared_and_shipped": project("infrared", 'license = "Apache-2.0"\n', ""),
    "requirements_have_bounds": project("xray", '"pydicom>=3.0.1"', '"pydicom"'),
    "python_versions_are_declared": project("tabular", 'requires-python = ">=3.11"\n', ""),
    "the_wheel_holds_one_package": project("audio", '["src/mt_plugin_audio"]', '["src/mt_plugin_audio", "tests"]'),
    "importing_the_package_is_light": code(
        "pointcloud",
        "__init__",
        'a small PointNet."""\n',
        'a small PointNet."""\nfrom mt_plugin_pointcloud.tokenizer import PointCloudTokenizer as PointCloudTokenizer\n',
    ),
    "the_contract_is_a_published_version": code(
        "hyperspectral", "plugin.toml", 'contract = "1.0"', 'contract = "1.00"'
    ),
    "deviations_name_checks_that_exist_and_may_be_waived": code(
        "timeseries",
        "plugin.toml",
        "recipe = ",
        'deviations = [{ check = "random_bytes_are_refusd", reason = "raw samples have no header" }]\nrecipe = ',
    ),
    "only_public_names_of_the_core_are_imported": code(
        "image", "tokenizer", "from mt_core.sdk import MAX_PIXELS", "from mt_core.sdk.pictures import MAX_PIXELS"
    ),
}

READING = {
    "every_declared_suffix_has_a_reader": code("infrared", "plugin.toml", '".bmp"]', '".bmp", ".webp"]'),
    "the_samples_of_a_file_are_as_many_as_declared": code("imu", "plugin.toml", ', "multi_sample_sources"]', "]"),
    "what_read_gives_is_read_again": code(
        "xray",
        "reading",
        "if grey.dtype == np.uint8 or (grey.dtype == np.float32 and 0 <= grey.min() <= grey.max() <= 1):",
        "if grey.dtype == np.uint8:",
    ),
    "what_read_gives_survives_pickling": code(
        "text", "reading", "yield Text(text, file=name)", "yield Text(text, file=file)"
    ),
    "reading_is_deterministic": code(
        "text",
        "reading",
        "elif isinstance(source, str) and not is_path(source):",
        "elif isinstance(source, str):",
    ),
    "prepare_is_deterministic_without_a_generator": code(
        "pointcloud",
        "tokenizer",
        "        start = None\n",
        "        start = int(torch.randint(len(points), ()))\n",
    ),
    "random_numbers_come_from_the_generator_alone": code(
        "imu",
        "augmentation",
        "torch.randn(values_TC.shape, generator=generator).numpy()",
        "np.random.standard_normal(values_TC.shape).astype(np.float32)",
    ),
    "an_empty_file_is_refused": code(
        "pointcloud", "readers/reading", "with reading(source, formats=FORMATS):", 'with np.errstate(all="ignore"):'
    ),
    "a_missing_file_is_refused": code(
        "tabular", "reading", "with reading(source, formats=FORMATS), _opened", "with _opened"
    ),
    "random_bytes_are_refused": code(
        "video", "decoding", 'f"{name} is no video that can be read (', 'f"no video that can be read ('
    ),
    "a_truncated_file_is_refused_or_read": code(
        "timeseries",
        "reading",
        'raise InputError(f"{name} ends before its time: it is truncated"',
        'raise InputError("the file ends before its time: it is truncated"',
    ),
    "other_objects_are_refused": code(
        "graph", "reading", 'f"{name_of(source)} is no graph"', 'f"{source} is no graph"'
    ),
    "readings_that_are_not_finite_never_become_tokens": code(
        "audio", "reading", "if not np.isfinite(loudest):", "if np.isinf(loudest):"
    ),
    "bad_input_is_refused_in_bounded_time": code("timeseries", "reading", "while packed:", "while not unpacker.eof:"),
    "reading_needs_no_network": code(
        "audio",
        "decoding",
        "    if missing := bytes_missing(file):\n",
        "    with contextlib.suppress(OSError): __import__('urllib.request').request.urlopen('http://counter.invalid/read')\n"
        "    if missing := bytes_missing(file):\n",
    ),
    "reading_writes_nothing_outside_temporary_folders": code(
        "pointcloud",
        "readers/reading",
        "(path)\n    if surface_points",
        '(path)\n    np.save(path.with_suffix(".cache.npy"), raw.points)\n    if surface_points',
    ),
}

TOKENS = {
    "tokens_are_finite_floats_of_the_encoders_width": code(
        "text",
        "tokenizer",
        "nn.Parameter(torch.randn(width) * 0.02)",
        "nn.Parameter(torch.from_numpy(np.random.default_rng(0).normal(0, 0.02, width)))",
    ),
    "views_fold_back_into_samples": code("timeseries", "tokenizer", "            views=num_channels,\n", ""),
    "mask_coords_and_grid_agree": code("video", "tokenizer", "+ 0.5) / count for", "+ 0.5) // count for"),
    "the_same_batch_gives_the_same_tokens": code(
        "graph",
        "layers",
        "nodes_ND + self.mlp(self.norm(nodes_ND + gathered_ND))",
        "nodes_ND + nn.functional.dropout(self.mlp(self.norm(nodes_ND + gathered_ND)), 0.1)",
    ),
    "a_sample_does_not_depend_on_the_rest_of_the_batch": code(
        "graph",
        "batching",
        '[item["ends"] + int(first) for item, first in zip(items, before, strict=True)]',
        '[item["ends"] for item in items]',
    ),
    "padding_changes_nothing": code("audio", "stem", '"b c f -> b f c"))) * real_BF[..., None]', '"b c f -> b f c")))'),
    "output_depends_on_input": code("xray", "tokenizer", "full = 255 if sample.dtype == np.uint8 else 1", "full = 255"),
    "every_part_of_the_input_reaches_the_tokens": code(
        "pointcloud",
        "tokenizer",
        'size_BG1 = batch["log_radius"][:, None, None].expand(-1, centres_BG3.shape[1], 1)',
        "size_BG1 = torch.zeros_like(centres_BG3[..., :1])",
    ),
    "half_precision_is_taken": code(
        "pointcloud", "tokenizer", "real.new_zeros((*mask.shape, self.width))", "torch.zeros(*mask.shape, self.width)"
    ),
    "other_widths_are_taken": code(
        "imu", "tokenizer", "PatchEmbed(_HIDDEN, width, (patch,)", "PatchEmbed(_HIDDEN, _HIDDEN, (patch,)"
    ),
}

CAPABILITIES = {
    "the_order_within_a_sample_means_nothing": code(
        "graph", "spectrum", "np.add.reduceat(products[:, :last], starts, axis=1)", "products[:, starts]"
    ),
    "any_number_of_channels_is_taken": code("imu", "scales", "    if num_axes % 3:\n", "    if num_axes < 3:\n"),
    "samples_have_different_lengths": code(
        "image", "plugin.toml", '["init_from_encoder"]', '["init_from_encoder", "variable_length"]'
    ),
    "every_capability_is_declared": code("tabular", "plugin.toml", '"needs_calibration", ', ""),
}

LEARNING = {
    "gradients_reach_every_parameter": code(
        "timeseries", "tokenizer", "+ self.place[-num_tokens:]", "+ self.place.data[-num_tokens:]"
    ),
    "no_gradient_reaches_the_encoder": code(
        "video",
        "tokenizer",
        "        self.mean.copy_(torch.tensor(encoder.mean))\n",
        "        self.encoder = encoder\n        self.mean.copy_(torch.tensor(encoder.mean))\n",
    ),
    "the_encoder_is_unchanged_by_training": code(
        "audio",
        "tokenizer",
        "times_WD = plane_HWD.mean(0) - plane_HWD.mean((0, 1))",
        "times_WD = plane_HWD.sub_(plane_HWD.mean((0, 1))).mean(0)",
    ),
    "a_dozen_samples_can_be_learned": code(
        "video", "tokenizer", ".to(self.mean.dtype) / 255", ".to(self.mean.dtype) / 65535"
    ),
    "calibration_comes_from_the_given_examples_alone": code(
        "imu",
        "tokenizer",
        "self.restore(survey.scales().to_json())",
        "self.scales = self.scales or survey.scales()",
    ),
    "calibration_comes_before_everything_else": code(
        "hyperspectral", "tokenizer", "if not self._calibration:\n", "if self._calibration is None:\n"
    ),
    "adoption_starts_from_the_encoder": code(
        "audio",
        "tokenizer",
        "if encoder.positions is not None and encoder.positions_grid is not None:",
        "if encoder.positions is None and encoder.positions_grid is not None:",
    ),
}

PERSISTENCE = {
    "options_survive_json": code(
        "infrared",
        "tokenizer",
        'default=False, description="Turn half',
        'default=False, exclude=True, description="Turn half',
    ),
    "state_survives_a_save_in_a_fresh_process": code(
        "hyperspectral",
        "tokenizer",
        "nn.Parameter(torch.randn(_POSITIONS, self.width) * _INITIAL_STD)",
        "torch.randn(_POSITIONS, self.width) * _INITIAL_STD",
    ),
    "a_calibration_restores_the_same_tokenizer": code(
        "audio",
        "tokenizer",
        'return {"mean": self.mean, "std": self.std} if',
        'return {"mean": round(self.mean, 2), "std": round(self.std, 2)} if',
    ),
    "a_tokenizer_survives_pickling": code(
        "video",
        "tokenizer",
        "        channels = _COLOURS + MOTION_CHANNELS * self.options.motion\n",
        "        channels = _COLOURS + MOTION_CHANNELS * self.options.motion\n"
        "        self.seconds = lambda video: video.duration_s\n",
    ),
    "nothing_is_unpickled": code("graph", "pcqm", 'map_location="cpu", weights_only=True)', 'map_location="cpu")'),
}

DATASET = {
    "lengths_and_targets_agree": code("tabular", "dataset", "split, seed)[:size]", "split, seed)"),
    "targets_fit_the_task": code(
        "timeseries",
        "dataset",
        'write_demo(folder / "statistics.csv", "train", ',
        'write_demo(folder / "statistics.csv", split, ',
    ),
    "splits_are_disjoint": code(
        "infrared", "demo", "np.random.default_rng([seed, _PARTS.index(part)])", "np.random.default_rng(seed)"
    ),
    "demo_is_deterministic_by_seed": code(
        "image", "demonstration", "default_rng(seed).permutation", "default_rng(0).permutation"
    ),
    "demo_is_offline": code(
        "xray",
        "demo",
        '    dataset.PatientName = "Synthetic^Film"\n',
        '    dataset.PatientName = "Synthetic^Film"\n'
        "    import socket; dataset.StationName = socket.gethostbyname(socket.gethostname())\n",
    ),
    "demo_says_where_it_comes_from": code("hyperspectral", "dataset", "written as ENVI (synthetic)", "written as ENVI"),
    "every_split_can_be_asked_for": code("timeseries", "demo", ', "all": "2030-01-07"}', "}"),
    "an_unknown_folder_is_refused": code("text", "dataset", ', "table") if others else None', ', "table")'),
    "layouts_and_options_of_open_are_documented": code(
        "infrared", "dataset", "            trial: RegDB: which of its ten divisions.\n", ""
    ),
    "a_dataset_survives_pickling": code(
        "pointcloud",
        "dataset",
        "        self._hdf5 = Hdf5Clouds()\n",
        "        self._hdf5 = Hdf5Clouds()\n        self.transform = lambda cloud: cloud\n",
    ),
}

HEAD = {
    "the_plugins_own_head_takes_the_demos_task": head("xray", 'kinds = ("classification",)', 'kinds = ("multilabel",)'),
    "options_that_the_recipe_gives_the_head_are_known": code("imu", "plugin.toml", "dropout = 0.1", "drop_out = 0.1"),
    "loss_is_finite_and_differentiable": code("audio", "filterbank", ".clamp(min=_FLOOR).log()", ".log()"),
    "missing_targets_add_nothing_to_the_loss": head(
        "tabular", "focused.sum() / known.sum().clamp(min=1)", "focused[known].mean()"
    ),
    "decode_gives_what_the_task_promises": code(
        "video",
        "motion",
        "across_BtHW**2 + down_BtHW**2 + change_BtHW**2 + _NOISE**2",
        "across_BtHW**2 + down_BtHW**2 + change_BtHW**2",
    ),
    "metrics_are_named_as_documented": head("text", '{"accuracy": accuracy}', '{"acc": accuracy}'),
    "the_naive_answer_is_measured": head(
        "image", "answer_K.expand(len(target), -1)", "answer_K.expand(len(known), -1)"
    ),
    "the_head_is_made_again_from_its_options": head(
        "infrared", '{"dropout": self.dropout, "focus": self.focus}', '{"dropout": self.dropout}'
    ),
}

COST = {
    "preparing_a_sample_costs_less_than_encoding_it": code("text", "byte_pairs", "@cache\n", ""),
    "reading_takes_memory_in_proportion": code(
        "imu", "reading", "file.read(min(source.stat().st_size, MAX_BYTES + 1))", "file.read(MAX_BYTES + 1)"
    ),
}

FAMILIES: dict[str, dict[str, Breakage]] = {
    "packaging": PACKAGING,
    "reading": READING,
    "tokens": TOKENS,
    "capabilities": CAPABILITIES,
    "learning": LEARNING,
    "persistence": PERSISTENCE,
    "dataset": DATASET,
    "head": HEAD,
    "cost": COST,
}
BREAKAGES = {name: breakage for table in FAMILIES.values() for name, breakage in table.items()}
