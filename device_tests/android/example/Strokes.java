package com.example.digits.app;

import android.os.SystemClock;
import android.view.MotionEvent;
import android.view.View;

/** Digits as a finger draws them: strokes of points, as fractions of the field's side. */
final class Strokes {
  static final String DRAWN = "0347";

  private static final float[][][] DIGITS = {
    {arc(0.5f, 0.5f, 0.22f, 0.35f, -90, 270)},
    {joined(arc(0.47f, 0.33f, 0.2f, 0.17f, -150, 90), arc(0.47f, 0.67f, 0.22f, 0.18f, -90, 150))},
    {{0.55f, 0.15f, 0.25f, 0.6f, 0.75f, 0.6f}, {0.58f, 0.42f, 0.55f, 0.88f}},
    {{0.25f, 0.18f, 0.72f, 0.18f, 0.42f, 0.85f}, {0.35f, 0.52f, 0.65f, 0.5f}},
  };

  private Strokes() {}

  /** Draw the digit at this place of DRAWN onto a field, by touch alone. */
  static void draw(int place, View field) {
    for (float[] stroke : DIGITS[place]) {
      long start = SystemClock.uptimeMillis();
      for (int i = 0; i < stroke.length; i += 2) {
        touch(field, start, i == 0 ? MotionEvent.ACTION_DOWN : MotionEvent.ACTION_MOVE, stroke, i);
      }
      touch(field, start, MotionEvent.ACTION_UP, stroke, stroke.length - 2);
    }
  }

  private static void touch(View field, long start, int action, float[] stroke, int at) {
    float x = stroke[at] * field.getWidth();
    float y = stroke[at + 1] * field.getHeight();
    MotionEvent event = MotionEvent.obtain(start, start + 8L * at, action, x, y, 0);
    field.dispatchTouchEvent(event);
    event.recycle();
  }

  private static float[] arc(float x, float y, float width, float height, int from, int to) {
    float[] points = new float[2 * 25];
    for (int i = 0; i < 25; i++) {
      double angle = Math.toRadians(from + (to - from) * i / 24.0);
      points[2 * i] = x + width * (float) Math.cos(angle);
      points[2 * i + 1] = y + height * (float) Math.sin(angle);
    }
    return points;
  }

  private static float[] joined(float[] one, float[] two) {
    float[] all = java.util.Arrays.copyOf(one, one.length + two.length);
    System.arraycopy(two, 0, all, one.length, two.length);
    return all;
  }
}
