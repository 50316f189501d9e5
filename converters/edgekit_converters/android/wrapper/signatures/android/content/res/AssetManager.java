package android.content.res;

public final class AssetManager {
  private AssetManager() {}

  public native AssetFileDescriptor openFd(String fileName) throws java.io.IOException;

  public native java.io.InputStream open(String fileName) throws java.io.IOException;
}
