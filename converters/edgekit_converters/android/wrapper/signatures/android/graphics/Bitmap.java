package android.graphics;

public final class Bitmap {
  private Bitmap() {}

  public enum Config {
    ALPHA_8,
    ARGB_8888
  }

  public native boolean isRecycled();

  public native void recycle();

  public final native Config getConfig();

  public native Bitmap copy(Config config, boolean isMutable);

  public final native int getWidth();

  public final native int getHeight();

  public final native boolean hasAlpha();

  public native void getPixels(int[] pixels, int offset, int stride, int x, int y, int width, int height);
}
