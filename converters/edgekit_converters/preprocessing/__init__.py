"""What every emitter of preprocessing shares: operations with the form of a sample before and after each."""

from edgekit_converters.preprocessing.stages import Form, Stage, Stages, stages_of

__all__ = ["Form", "Stage", "Stages", "stages_of"]
