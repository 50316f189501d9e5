package com.example.digits.app;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.util.AttributeSet;
import android.view.View;
import com.example.digits.DigitClassifier;

/** A bar for each class, as long as its score. */
public final class ScoreBars extends View {
  private static final int BEST = 0xffd9531e;
  private static final int OTHER = 0xff7d9bb5;
  private static final int TEXT = 0xff1b3a57;

  private final Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
  private float[] scores = new float[DigitClassifier.OUTPUT_ELEMENTS];
  private int best = -1;

  public ScoreBars(Context context, AttributeSet attributes) {
    super(context, attributes);
  }

  /** Show scores, of which one is the best. They are copied. */
  void show(float[] all, int winner) {
    scores = all.clone();
    best = winner;
    invalidate();
  }

  void clear() {
    show(new float[scores.length], -1);
  }

  @Override
  protected void onDraw(Canvas canvas) {
    float row = (float) getHeight() / scores.length;
    float left = 2 * row;
    paint.setTextSize(0.8f * row);
    for (int i = 0; i < scores.length; i++) {
      paint.setColor(TEXT);
      canvas.drawText(DigitClassifier.label(i), 0.5f * row, (i + 0.8f) * row, paint);
      paint.setColor(i == best ? BEST : OTHER);
      float length = Math.max(scores[i] * (getWidth() - left), 1f);
      canvas.drawRect(left, (i + 0.15f) * row, left + length, (i + 0.85f) * row, paint);
    }
  }
}
