package com.example.digits.app;

import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.os.Build;
import android.os.Looper;
import android.view.View;
import android.widget.TextView;
import java.io.FileOutputStream;
import java.io.FileWriter;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** The app from outside: what a finger does and an eye sees. It runs with shrunk classes too. */
@RunWith(TfliteRunner.class)
@Config(sdk = {34, 35}, qualifiers = "w320dp-h568dp-hdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class AppTests {
  private final String out = System.getProperty("out") + "/" + Build.VERSION.SDK_INT;

  @Test
  public void drawnDigitsAreNamed() throws Exception {
    ActivityController<MainActivity> controller = Robolectric.buildActivity(MainActivity.class).setup();
    Activity app = controller.get();
    View field = app.findViewById(R.id.pad);
    FileWriter said = new FileWriter(out + ".said");
    said.write(text(app, R.id.status) + "\n");
    for (int place = 0; place < Strokes.DRAWN.length(); place++) {
      app.findViewById(R.id.clear).performClick();
      said.write(text(app, R.id.answer) + "\n");
      Strokes.draw(place, field);
      said.write(text(app, R.id.answer) + "\n");
      screenshot(app, out + "-" + Strokes.DRAWN.charAt(place) + ".png");
    }
    said.close();
    controller.pause().stop().destroy();
  }

  private static String text(Activity app, int id) {
    return ((TextView) app.findViewById(id)).getText().toString();
  }

  private static void screenshot(Activity app, String path) throws Exception {
    Shadows.shadowOf(Looper.getMainLooper()).idle(); // what was changed is laid out
    View window = app.getWindow().getDecorView();
    assertTrue(window.getWidth() > 0 && !window.isLayoutRequested());
    Bitmap image = Bitmap.createBitmap(window.getWidth(), window.getHeight(), Bitmap.Config.ARGB_8888);
    window.draw(new Canvas(image));
    FileOutputStream stream = new FileOutputStream(path);
    image.compress(Bitmap.CompressFormat.PNG, 100, stream);
    stream.close();
  }
}
