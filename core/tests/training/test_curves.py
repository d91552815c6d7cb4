"""Charts of losses and metrics."""

from mt_core.training.curves import curves

TRAINED = [{"epoch": 1, "train_loss": 2.0, "val_accuracy": 0.5}, {"epoch": 2, "train_loss": 1.0, "val_accuracy": 0.75}]


def test_losses_and_metrics_have_a_chart_each_with_the_kept_epoch():
    losses, metrics = curves(TRAINED, kept=2)
    assert "train loss goes from 2 to 1 over 2 epochs; the dotted line is the epoch that was kept, 2." in losses
    assert "val accuracy goes from 0.5 to 0.75" in metrics and "train loss" not in metrics


def test_one_epoch_is_a_dot():
    assert all("<circle" in chart and "over 1 epoch." in chart for chart in curves(TRAINED[:1]))


def test_what_was_solved_is_by_setting_and_has_no_chart_of_losses():
    (metrics,) = curves([{"penalty": 0.1, "val_accuracy": 0.5}, {"penalty": 1.0, "val_accuracy": 0.75}], kept=1)
    assert "Metrics by setting that was tried" in metrics and "dotted" not in metrics


def test_nothing_measured_is_no_chart():
    assert curves([]) == [] and curves([{"epoch": 1, "seconds": 2.0, "val_f1": float("nan")}]) == []
