package com.example.digits.app;

import android.app.Activity;
import android.graphics.Bitmap;
import android.os.Bundle;
import android.view.View;
import android.widget.TextView;
import com.example.digits.DigitClassifier;
import java.io.IOException;
import java.util.List;

/** Draw a digit with the finger: the model says which one it is, and what it thinks of the others. */
public final class MainActivity extends Activity implements DigitPad.Listener {
  private DigitClassifier model;
  private DigitPad pad;
  private ScoreBars bars;
  private TextView answer;

  @Override
  protected void onCreate(Bundle state) {
    super.onCreate(state);
    setContentView(R.layout.main);
    pad = findViewById(R.id.pad);
    bars = findViewById(R.id.bars);
    answer = findViewById(R.id.answer);
    TextView status = findViewById(R.id.status);
    try {
      model = DigitClassifier.open(this);
      status.setText(words(model.selfTest()));
    } catch (IOException error) {
      throw new IllegalStateException("The app was packed without its model.", error);
    }
    pad.setListener(this);
    findViewById(R.id.clear).setOnClickListener(new View.OnClickListener() {
      @Override
      public void onClick(View button) {
        clear();
      }
    });
    clear();
  }

  @Override
  protected void onDestroy() {
    model.close();
    super.onDestroy();
  }

  /** A network of this size answers within the time of one frame, so that it needs no thread of its own. */
  @Override
  public void onDrawn(Bitmap digit) {
    int best = model.classify(digit);
    float[] scores = model.scores();
    answer.setText(getString(R.string.answer, DigitClassifier.label(best), scores[best]));
    bars.show(scores, best);
  }

  private void clear() {
    pad.clear();
    bars.clear();
    answer.setText(R.string.ask);
  }

  private String words(List<String> differences) {
    String name = DigitClassifier.SHA256.substring(0, 8);
    return differences.isEmpty()
        ? getString(R.string.passed, name)
        : getString(R.string.failed, name, differences.get(0));
  }
}
