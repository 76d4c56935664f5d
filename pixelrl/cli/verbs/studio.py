"""``pixelrl studio``."""

import argparse
from pathlib import Path

from pixelrl.cli.verbs.common import policy_options, restore_policy, split_settings
from pixelrl.errors import ConfigError


def options(parser: argparse.ArgumentParser) -> None:
    """State the verb's options."""
    parser.add_argument("files", nargs="*", metavar="[CHECKPOINT] [IMAGE]",
                        help="a policy, unless an option names it, and the picture to begin"
                        " with")  # fmt: skip
    policy_options(parser)
    parser.add_argument("--mask", metavar="FILE",
                        help="white where a task that works on a region is to work; default: the"
                        " middle, to be painted over")  # fmt: skip
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    parser.add_argument("--no-browser", action="store_true",
                        help="print the page's address and open nothing")  # fmt: skip


def run(arguments: argparse.Namespace, overrides: list[str]) -> None:
    """Change on a local web page what the agents do.

    Raises:
        PixelRLError: options contradict one another, or the policy, picture or mask cannot be had.
    """
    files, more = split_settings(arguments.files)
    overrides = [*more, *overrides]
    if not (arguments.checkpoint or arguments.weights or arguments.task) and files:
        arguments.checkpoint = files.pop(0)
    if len(files) > 1:
        raise ConfigError(f"'{files[1]}': the studio opens one picture at a time.")
    if any("data.predict" in override for override in overrides):
        raise ConfigError("studio: name the picture after the policy, without data.predict.image=.")
    if arguments.mask and not files:
        raise ConfigError("studio: --mask goes with a picture; name one after the policy.")
    import torch

    from pixelrl.intervention.regions import read_region
    from pixelrl.studio.server import Studio
    from pixelrl.studio.session import Session

    module, experiment = restore_policy(arguments, overrides)
    wanted = experiment.run.accelerator in {"auto", "gpu", "cuda"} and torch.cuda.is_available()
    session = Session(module.to("cuda" if wanted else "cpu"), experiment)
    mask = read_region(Path(arguments.mask)) if arguments.mask else None
    if files:
        session.open(Path(files[0]), mask=mask)
    with Studio(
        session, _policy(arguments, overrides), Path(arguments.out), arguments.port
    ) as server:
        print(f"studio: {server.address} (only from this machine; Ctrl-C ends it)", flush=True)
        if not arguments.no_browser:
            import webbrowser

            webbrowser.open(server.address)
        server.serve_forever()


def _policy(arguments: argparse.Namespace, overrides: list[str]) -> list[str]:
    """Name the policy again, in words of the command line; the studio computes in float32."""
    words = ["--checkpoint", arguments.checkpoint] if arguments.checkpoint else []
    words += ["--task", arguments.task] if arguments.task else []
    words += ["--trust"] if arguments.trust else []
    for recipe in arguments.config:
        words += ["--config", recipe]
    return [*words, *overrides, "run.precision=32-true"]
