package com.example.digits.app;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Color;
import android.graphics.Matrix;
import android.graphics.Paint;
import android.graphics.Path;
import android.graphics.RectF;
import android.util.AttributeSet;
import android.view.MotionEvent;
import android.view.View;
import java.util.Arrays;

/**
 * A square field that takes a drawing, and gives it as the data set has its digits.
 *
 * <p>There, a digit fills a black and white image of 32 x 32 pixels, and each block of 4 x 4 becomes one pixel: how many
 * of its 16 are ink.
 */
public final class DigitPad extends View {
  /** Who is told of a drawing. */
  public interface Listener {
    /** The digit as it is now, 8 x 8 grey pixels of 0 to 16. The same bitmap is filled again the next time. */
    void onDrawn(Bitmap digit);
  }

  private static final int FINE = 32;
  private static final int BLOCK = 4;
  private static final int SIDE = FINE / BLOCK;
  /** Width of a line in the fine image, as digits of the data set have it. */
  private static final float LINE = 5f;

  private final Path ink = new Path();
  private final Paint brush = brush(true);
  private final Paint pen = brush(false);
  private final Bitmap fine = Bitmap.createBitmap(FINE, FINE, Bitmap.Config.ARGB_8888);
  private final Canvas canvas = new Canvas(fine);
  private final int[] pixels = new int[FINE * FINE];
  private final int[] counts = new int[SIDE * SIDE];
  private final Bitmap digit = Bitmap.createBitmap(SIDE, SIDE, Bitmap.Config.ARGB_8888);
  private Listener listener;

  public DigitPad(Context context, AttributeSet attributes) {
    super(context, attributes);
    setBackgroundColor(Color.BLACK);
    pen.setStrokeWidth(LINE);
  }

  void setListener(Listener told) {
    listener = told;
  }

  void clear() {
    ink.reset();
    invalidate();
  }

  @Override
  protected void onMeasure(int width, int height) {
    super.onMeasure(width, width);
  }

  @Override
  protected void onSizeChanged(int width, int height, int oldWidth, int oldHeight) {
    brush.setStrokeWidth(width / 14f);
  }

  @Override
  protected void onDraw(Canvas screen) {
    super.onDraw(screen);
    screen.drawPath(ink, brush);
  }

  @Override
  public boolean onTouchEvent(MotionEvent event) {
    switch (event.getActionMasked()) {
      case MotionEvent.ACTION_DOWN:
        ink.moveTo(event.getX(), event.getY());
        // fall through: a tap alone is a dot
      case MotionEvent.ACTION_MOVE:
        for (int i = 0; i < event.getHistorySize(); i++) {
          ink.lineTo(event.getHistoricalX(i), event.getHistoricalY(i));
        }
        ink.lineTo(event.getX(), event.getY());
        break;
      case MotionEvent.ACTION_UP:
        performClick();
        break;
      default:
        return false;
    }
    invalidate();
    if (listener != null) {
      listener.onDrawn(sampled());
    }
    return true;
  }

  /** The drawing, moved and scaled so that it fills the fine image, then counted block by block. */
  private Bitmap sampled() {
    RectF bounds = new RectF();
    ink.computeBounds(bounds, true);
    float size = Math.max(Math.max(bounds.width(), bounds.height()), getHeight() / 8f);
    Matrix fit = new Matrix();
    fit.setTranslate(-bounds.centerX(), -bounds.centerY());
    fit.postScale((FINE - LINE) / size, (FINE - LINE) / size);
    fit.postTranslate(FINE / 2f, FINE / 2f);
    Path fitted = new Path();
    ink.transform(fit, fitted);
    canvas.drawColor(Color.BLACK);
    canvas.drawPath(fitted, pen);
    fine.getPixels(pixels, 0, FINE, 0, 0, FINE, FINE);
    Arrays.fill(counts, 0);
    for (int i = 0; i < pixels.length; i++) {
      if (pixels[i] != Color.BLACK) {
        counts[i / FINE / BLOCK * SIDE + i % FINE / BLOCK]++;
      }
    }
    for (int i = 0; i < counts.length; i++) {
      digit.setPixel(i % SIDE, i / SIDE, Color.rgb(counts[i], counts[i], counts[i]));
    }
    return digit;
  }

  private static Paint brush(boolean smooth) {
    Paint paint = new Paint(smooth ? Paint.ANTI_ALIAS_FLAG : 0);
    paint.setColor(Color.WHITE);
    paint.setStyle(Paint.Style.STROKE);
    paint.setStrokeCap(Paint.Cap.ROUND);
    paint.setStrokeJoin(Paint.Join.ROUND);
    return paint;
  }
}
