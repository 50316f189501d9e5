"""DistilBERT: a text student 40 % smaller and 60 % faster that keeps 97 %, here a small transformer on SST-2.

    python benchmarks/headlines/distillation_text.py [--short]

The teacher is text_transformer, trained on the 6,920 sentences of SST-2; the student has three eighths of its width.
Both are int8 files, compared on the 872 sentences of the development set. The bar: at least 40 % fewer parameters, at
least 1.6 times the speed (LiteRT, one thread, in turns) and at least 97 % of the teacher's top-1.
"""

from __future__ import annotations

from _headline import DATA, Headline, Session, drop, faster, figures, main, minutes

import edgekit

RECIPE = {
    "model": "text_transformer",
    "data": {
        "source": str(DATA / "text" / "sst2_train.tsv"),
        "test_source": str(DATA / "text" / "sst2_dev.tsv"),
        "calibration": 256,
    },
    "train": {"epochs": 4, "batch_size": 32, "learning_rate": 0.001},
    "passes": [{"distill": {"width": 0.375, "alpha": 0.7, "temperature": 2.0, "finetune": {"epochs": 6}}}],
    "convert": ["int8", "float32"],
    "budget": {"accuracy_drop": 0.03},
}


def find(session: Session) -> Headline:
    teacher = session.compress("text", RECIPE | {"passes": []})
    student = session.compress("text", RECIPE)
    ours = next(m for m in student.models if m.format == "int8")
    theirs = next(m for m in teacher.models if m.format == "int8")
    files = [session.file("text", theirs.sha256), session.file("text", ours.sha256)]
    report = edgekit.benchmark(files, launches=3 if session.short else 9)
    speed = faster(report.comparisons[0])
    smaller, kept = 1 - ours.params / theirs.params, ours.accuracy / theirs.accuracy
    return Headline(
        claim="40 % smaller, 60 % faster, 97 % kept (Sanh et al. 2019, arXiv:1910.01108, abstract)",
        baseline=figures(theirs) | {"latency_ms": report.results[0].latency_ms.p50},
        result=figures(ours) | {"latency_ms": report.results[1].latency_ms.p50},
        ratios={
            "parameters_saved": smaller,
            "bytes_saved": 1 - ours.bytes / theirs.bytes,
            "speed_by_teachers": speed,
            "top1_kept": kept,
        },
        loss_points=drop(ours) | {"int8_teacher_minus_int8_student": round(100 * (theirs.accuracy - ours.accuracy), 2)},
        met=smaller >= 0.4 and speed["ratio"] >= 1.6 and kept >= 0.97,
        minutes=minutes(teacher, student),
    )


if __name__ == "__main__":
    main("distillation_text", __doc__.splitlines()[0], find)
